/** @file
 *  Circles. */
#include "../shape.hpp"
namespace shapes {
/** A circle. */
class Circle : public Shape {
public:
  /** The area, in square metres. */
  double area() const;
};
}
