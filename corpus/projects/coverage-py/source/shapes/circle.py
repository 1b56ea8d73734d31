"""Circles, first edition."""


def area(radius):
    if radius < 0:
        raise ValueError("a radius is positive")
    return 3 * radius * radius
