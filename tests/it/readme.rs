//! The README's tables are those of the program: written anew by running this test with `NANOKIT_WRITE=1`.

use nanokit::cli::docs;
use nanokit::tui::keymap::map;

#[test]
fn the_readme_s_tables_are_those_of_the_program() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).expect("README.md");
    let tables = [
        ("commands", docs::command_table()),
        ("exit codes", docs::exit_table()),
        ("keys", map::markdown_table()),
    ];
    let mut wanted = readme.clone();
    for (name, table) in tables {
        let (begin, end) = (
            format!("<!-- {name} -->\n"),
            format!("<!-- end of {name} -->"),
        );
        let (before, rest) = wanted
            .split_once(&begin)
            .unwrap_or_else(|| panic!("no place for {name}"));
        let (_, after) = rest
            .split_once(&end)
            .unwrap_or_else(|| panic!("no end of {name}"));
        wanted = format!("{before}{begin}{}\n{end}{after}", table.trim_end());
    }
    if std::env::var_os("NANOKIT_WRITE").is_some() {
        std::fs::write(path, &wanted).expect("written");
    }
    assert!(
        readme == wanted,
        "a table of the README is out of date; run this test with NANOKIT_WRITE=1"
    );
}
