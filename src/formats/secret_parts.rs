//! The parts of a secret that are secrets themselves: the texts in a JSON document, the password in an address.

use serde_json::Value;

/// Returns every text of a JSON document; of anything else none.
#[must_use]
pub fn leaves(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if text.trim_start().starts_with(['{', '[']) {
        let mut open: Vec<Value> = serde_json::from_str(text).into_iter().collect();
        while let Some(value) = open.pop() {
            match value {
                Value::String(text) => found.push(text),
                Value::Array(list) => open.extend(list),
                Value::Object(map) => open.extend(map.into_iter().map(|(_, value)| value)),
                // A number is told apart from other numbers by nothing.
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
    }
    found
}

/// Returns the password in `scheme://user:password@host`, as it is written and as it is meant.
#[must_use]
pub fn passwords(text: &str) -> Vec<String> {
    let password = text.split_once("://").and_then(|(_, rest)| {
        let authority = rest.split(['/', '?', '#']).next()?;
        let (user, _host) = authority.rsplit_once('@')?;
        user.split_once(':').map(|(_, password)| password)
    });
    let Some(password) = password.filter(|password| !password.is_empty()) else {
        return Vec::new();
    };
    let meant = decoded(password);
    let mut both = vec![password.to_owned()];
    both.extend(meant.filter(|meant| meant != password));
    both
}

/// Decodes `%40` and the like.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| first == b'%');
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(first));
        rest = after.get(if code.is_some() { 2 } else { 0 }..)?;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_documents_and_passwords_of_addresses_are_found() {
        for (text, expected) in [
            (r#"{"a": ["x", 1, true], "b": {"c": "y"}}"#, vec!["y", "x"]),
            (r#""only a text""#, vec![]),
            ("{broken", vec![]),
        ] {
            let mut found = leaves(text);
            let mut expected = expected;
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{text}");
        }
        for (text, expected) in [
            ("postgres://u:p%40ss@h:1/db?x=@", vec!["p%40ss", "p@ss"]),
            ("redis://:word@h", vec!["word"]),
            ("https://h/a:b@c", vec![]),
            ("https://u@h", vec![]),
            ("u:word@h", vec![]),
        ] {
            assert_eq!(passwords(text), expected, "{text}");
        }
    }
}
