//! Words as a shell takes them: one function quotes, so that what is shown can be pasted and what is saved can be run.

use crate::domain::plan::typed;

/// Quotes a word for `sh`; plain words stay as they are.
#[must_use]
pub fn quote(word: &str) -> String {
    typed::word(word)
}

/// Joins words to a command line.
#[must_use]
pub fn line<I, T>(words: I) -> String
where
    I: IntoIterator<Item = T>,
    T: AsRef<str>,
{
    let words: Vec<String> = words.into_iter().map(|word| quote(word.as_ref())).collect();
    words.join(" ")
}

/// Splits a line into words; quotes and backslashes hold words together, nothing else means anything.
///
/// # Errors
/// A quote is not closed.
pub fn words(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => {
                let next = chars.next().ok_or("a backslash ends the line")?;
                word.get_or_insert_default().push(next);
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed");
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_comes_back_as_words() {
        let all = ["api", "a b", "it's", "", "a\\b", "\"x\""];
        assert_eq!(
            words(&line(all)).as_deref(),
            Ok(&all.map(str::to_owned)[..])
        );
        assert_eq!(
            words("a \"b c\" d\\ e").map(|words| words.join("|")),
            Ok("a|b c|d e".to_owned())
        );
        assert!(words("a 'b").is_err());
        assert!(words("a \\").is_err());
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a shell is asked how it reads its words"
    )]
    #[test]
    fn a_word_comes_back_from_the_shell_as_it_was() {
        let words = [
            "",
            "api",
            "a b",
            "it's",
            "$HOME",
            "`id`",
            "a\\b",
            "a\"b",
            "*",
            "~root",
            "=ls",
            "-f",
            "a;b",
            "line\nbreak",
            "grün",
            "!x",
            "#c",
            "api[0]",
            "{a,b}",
            "'",
            "''",
        ];
        for word in words {
            let said = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {}", line([word]))])
                .output()
                .expect("sh runs");
            assert_eq!(
                String::from_utf8_lossy(&said.stdout),
                word,
                "{}",
                quote(word)
            );
        }
    }

    #[test]
    fn plain_words_stay_plain() {
        assert_eq!(
            line(["nkapp", "-f", "my shop/nanokit.yml", "logs", "api"]),
            "nkapp -f 'my shop/nanokit.yml' logs api"
        );
    }
}
