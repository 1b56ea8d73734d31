//! Tables that fit into the lines of a terminal.

use super::text::{Align, cut, padded, width, width_of};
use crate::terminal::layout::broken;
use crate::terminal::style::Style;

/// Between two columns.
pub(super) const GAP: &str = "  ";

/// Minimum width of the column that shrinks first.
const LEAST: usize = 6;

/// A table of which one column shrinks until the table fits.
pub(super) struct Table<const N: usize> {
    pub(super) header: [&'static str; N],
    pub(super) align: [Align; N],
    /// The column that is cut where the table is too wide.
    pub(super) gives_way: usize,
    pub(super) rows: Vec<Row<N>>,
}

pub(super) struct Row<const N: usize> {
    pub(super) cells: [String; N],
    /// The text below it, broken between words.
    pub(super) below: Vec<String>,
    /// Colours the last cell.
    pub(super) paint: fn(Style, &str) -> String,
}

impl<const N: usize> Table<N> {
    /// The table in as many columns as there are. Where it does not fit, one column is cut; where that is not enough, the last cell
    /// of each row goes below it.
    pub(super) fn render(&self, style: Style) -> String {
        let columns = width(style);
        let (widths, shown) = self.widths(columns);
        let line = |cells: &[String; N]| -> Vec<String> {
            let cells = cells.iter().zip(widths).zip(self.align).take(shown);
            cells.map(|((cell, width), align)| padded(&cut(cell, width), width, align)).collect()
        };
        let indent = " ".repeat(widths[0] + GAP.len());
        let header = line(&self.header.map(str::to_owned)).join(GAP);
        let mut text = format!("{}\n", style.dim(header.trim_end()));
        for row in &self.rows {
            let mut cells = line(&row.cells);
            let last = row.cells[N - 1].as_str();
            if let Some(shown) = cells.last_mut().filter(|_| shown == N) {
                *shown = (row.paint)(style, shown.trim_end());
            }
            text.push_str(&format!("{}\n", cells.join(GAP).trim_end()));
            if shown < N && !last.is_empty() {
                text.push_str(&broken(&indent, &(row.paint)(style, last), columns));
            }
            for below in &row.below {
                text.push_str(&broken(&indent, &style.dim(below), columns));
            }
        }
        text
    }

    /// How wide each column is, and how many of them are shown.
    fn widths(&self, columns: usize) -> ([usize; N], usize) {
        let whole: [usize; N] = std::array::from_fn(|column| {
            let cells = self.rows.iter().map(|row| row.cells[column].as_str());
            width_of(cells.chain([self.header[column]]))
        });
        let fitted = |shown: usize| {
            let mut widths = whole;
            let excess = (widths.iter().take(shown).sum::<usize>() + GAP.len() * (shown - 1)).saturating_sub(columns);
            let gives_way = &mut widths[self.gives_way];
            let left = gives_way.saturating_sub(excess).max(LEAST.min(*gives_way));
            let fits = *gives_way - left >= excess;
            *gives_way = left;
            (widths, fits)
        };
        let (widths, fits) = fitted(N);
        if fits { (widths, N) } else { (fitted(N - 1).0, N - 1) }
    }
}
