//! Columns: cells of a table, padded to the widest of each column.

use unicode_width::UnicodeWidthStr;

use crate::present::role::{Role, Row, Span};

/// Lays cells out in columns, a header above them; the last column is not padded.
#[must_use]
pub fn table(header: &[&str], lines: &[Vec<Span>]) -> Vec<Row> {
    let head: Vec<Span> = header.iter().map(|h| Span::new(Role::Dim, h)).collect();
    let all: Vec<&Vec<Span>> = std::iter::once(&head).chain(lines).collect();
    let widths = widths(&all);
    all.iter().map(|cells| lay(0, cells, &widths)).collect()
}

/// Lays cells out in columns without a header, at an indent.
#[must_use]
pub fn columns(indent: usize, lines: &[Vec<Span>]) -> Vec<Row> {
    let all: Vec<&Vec<Span>> = lines.iter().collect();
    let widths = widths(&all);
    all.iter()
        .map(|cells| lay(indent, cells, &widths))
        .collect()
}

fn widths(lines: &[&Vec<Span>]) -> Vec<usize> {
    let mut widths: Vec<usize> = Vec::new();
    for cells in lines {
        for (at, cell) in cells.iter().enumerate() {
            let width = cell.text.width();
            match widths.get_mut(at) {
                Some(widest) => *widest = (*widest).max(width),
                None => widths.push(width),
            }
        }
    }
    widths
}

fn lay(indent: usize, cells: &[Span], widths: &[usize]) -> Row {
    let mut row = Row::at(indent);
    let last = cells.iter().rposition(|cell| !cell.text.is_empty());
    for (at, (cell, width)) in cells.iter().zip(widths).enumerate() {
        if last.is_none_or(|last| at > last) {
            break;
        }
        row.spans.push(cell.clone());
        if last != Some(at) {
            let gap = width.saturating_sub(cell.text.width()) + 2;
            row.spans.push(Span {
                text: " ".repeat(gap),
                role: Role::Plain,
            });
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_by_cells_not_by_bytes() {
        let cell = |text: &str| Span::new(Role::Plain, text);
        let rows = table(
            &["NAME", "IMAGE"],
            &[
                vec![cell("日本"), cell("a")],
                vec![cell("é"), cell("b")],
                vec![cell("plain"), cell("")],
            ],
        );
        let text: Vec<String> = rows.iter().map(Row::text).collect();
        assert_eq!(text, ["NAME   IMAGE", "日本   a", "é      b", "plain"]);
    }
}
