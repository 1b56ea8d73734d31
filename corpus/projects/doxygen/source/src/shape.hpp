/** @file
 *  Shapes. */
namespace shapes {
/** Any shape. */
class Shape {
public:
  /** The area. */
  virtual double area() const = 0;
};
}
