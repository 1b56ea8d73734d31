/** @file
 *  Squares. */
#include "shape.hpp"
namespace shapes {
/** A square. */
class Square : public Shape {
public:
  /** The area. */
  double area() const;
};
}
