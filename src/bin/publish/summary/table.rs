//! Tables that fit into the lines of a terminal.

use super::text::{Align, WIDTH, cut, padded, width_of};
use crate::terminal::style::Style;

/// Between two columns.
pub(super) const GAP: &str = "  ";

/// Least width of the column that gives way to the others.
const LEAST: usize = 6;

/// A table of which one column gives way until it fits.
pub(super) struct Table<const N: usize> {
    pub(super) header: [&'static str; N],
    pub(super) align: [Align; N],
    /// The column that is cut where the table is too wide.
    pub(super) gives_way: usize,
    pub(super) rows: Vec<Row<N>>,
}

pub(super) struct Row<const N: usize> {
    pub(super) cells: [String; N],
    /// Lines below it.
    pub(super) below: Vec<String>,
    /// Colours the last cell.
    pub(super) paint: fn(Style, &str) -> String,
}

impl<const N: usize> Table<N> {
    pub(super) fn render(&self, style: Style) -> String {
        let widths = self.widths();
        let line = |cells: &[String; N]| -> Vec<String> {
            let columns = cells.iter().zip(widths).zip(self.align);
            columns.map(|((cell, width), align)| padded(&cut(cell, width), width, align)).collect()
        };
        let header = line(&self.header.map(str::to_owned)).join(GAP);
        let mut text = format!("{}\n", style.dim(header.trim_end()));
        for row in &self.rows {
            let mut cells = line(&row.cells);
            if let Some(last) = cells.last_mut() {
                *last = (row.paint)(style, last.trim_end());
            }
            text.push_str(&format!("{}\n", cells.join(GAP)));
            let indent = widths[0] + GAP.len();
            for below in &row.below {
                text.push_str(&format!("{:indent$}{}\n", "", style.dim(below)));
            }
        }
        text
    }

    fn widths(&self) -> [usize; N] {
        let mut widths: [usize; N] = std::array::from_fn(|column| {
            let cells = self.rows.iter().map(|row| row.cells[column].as_str());
            width_of(cells.chain([self.header[column]]))
        });
        let excess = (widths.iter().sum::<usize>() + GAP.len() * (N - 1)).saturating_sub(WIDTH);
        let gives_way = &mut widths[self.gives_way];
        *gives_way = gives_way.saturating_sub(excess).max(LEAST.min(*gives_way));
        widths
    }
}
