//! Roles to colours of a plain terminal. Meaning never rests on colour alone: words and symbols say it too.

use crate::present::role::{Role, Row};

/// Whether colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    /// Whether they are.
    pub on: bool,
}

impl Paint {
    /// Returns a row as a line without its break.
    #[must_use]
    pub fn row(self, row: &Row) -> String {
        let mut line = "  ".repeat(row.indent);
        for span in &row.spans {
            match (self.on, code(span.role)) {
                (true, Some(code)) if !span.text.is_empty() => {
                    line.push_str("\u{1b}[");
                    line.push_str(code);
                    line.push('m');
                    line.push_str(&span.text);
                    line.push_str("\u{1b}[0m");
                }
                _ => line.push_str(&span.text),
            }
        }
        // No blanks at the end of a line.
        line.truncate(line.trim_end_matches(' ').len());
        line
    }
}

fn code(role: Role) -> Option<&'static str> {
    match role {
        Role::Plain => None,
        Role::Dim | Role::Kept => Some("2"),
        Role::Strong => Some("1"),
        Role::Added | Role::Good => Some("32"),
        Role::Changed | Role::Warn => Some("33"),
        Role::Removed | Role::Bad => Some("31"),
        Role::Busy | Role::Path => Some("36"),
        Role::Key => Some("1;36"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_added_to_the_same_text() {
        let row = Row::at(1).with(Role::Added, "+ a").with(Role::Plain, "  ");
        assert_eq!(Paint { on: false }.row(&row), "  + a");
        assert_eq!(Paint { on: true }.row(&row), "  \u{1b}[32m+ a\u{1b}[0m");
    }
}
