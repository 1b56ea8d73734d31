//! Rustdoc: the second edition.
//!
//! <img src="../logo-deadbeef.png" alt="">

/// Adds two numbers.
pub fn sum(a: u32, b: u32) -> u32 {
    a + b
}

/// Shapes.
pub mod shapes {
    /// A circle.
    #[derive(Clone, Debug)]
    pub struct Circle {
        /// In metres.
        pub radius: f64,
    }
}
