"""Shapes."""
from .circle import area
