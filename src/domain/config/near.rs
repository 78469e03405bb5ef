//! The nearest valid name to a mistyped one.

/// Names longer than this are not compared: the table is quadratic and nobody mistypes that much.
const LONGEST: usize = 64;

/// Returns the candidate that is most likely meant, if one is near enough.
///
/// Near enough is a third of the length, at fewest one edit; upper and lower case, `-` and `_` count as equal, so
/// that `dependsOn` finds `depends_on`. Ties go to the candidate that comes first.
#[must_use]
pub fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = fold(typed)?;
    let allowed = (plain.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let Some(other) = fold(candidate) else {
            continue;
        };
        if other.len().abs_diff(plain.len()) > allowed {
            continue;
        }
        let distance = distance(&plain, &other);
        if distance <= allowed && best.is_none_or(|(fewest, _)| distance < fewest) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, name)| name)
}

/// Returns the line of help for a mistyped name: the nearest one, else all of a short list.
#[must_use]
pub fn suggestion<'a>(
    typed: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(name) = nearest(typed, candidates.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let all: Vec<String> = candidates
        .into_iter()
        .take(13)
        .map(|name| format!("`{name}`"))
        .collect();
    match all.len() {
        0 | 13.. => None,
        _ => Some(format!("known here: {}", all.join(", "))),
    }
}

fn fold(text: &str) -> Option<Vec<char>> {
    let chars: Vec<char> = text
        .chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .take(LONGEST + 1)
        .flat_map(char::to_lowercase)
        .collect();
    (chars.len() <= LONGEST).then_some(chars)
}

/// Edit distance with swapped neighbours as one edit (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let width = b.len() + 1;
    let mut before: Vec<usize> = vec![0; width];
    let mut last: Vec<usize> = (0..width).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(width);
        row.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let at =
                |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&last, j) + usize::from(x != y);
            let mut fewest = replaced.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                fewest = fewest.min(at(&before, j - 1) + 1);
            }
            row.push(fewest);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let keys = ["image", "depends_on", "ports", "port", "path", "expose"];
        let cases = [
            ("imgae", Some("image")),
            ("dependsOn", Some("depends_on")),
            ("depend_on", Some("depends_on")),
            ("prot", Some("port")),
            ("pth", Some("path")),
            ("frobnicate", None),
            ("", None),
        ];
        for (typed, expected) in cases {
            assert_eq!(nearest(typed, keys), expected, "{typed}");
        }
    }

    #[test]
    fn endless_names_are_not_compared() {
        let long = "a".repeat(1_000_000);
        assert_eq!(nearest(&long, ["a"]), None);
        assert_eq!(nearest("a", [long.as_str()]), None);
    }

    #[test]
    fn a_short_list_is_told_when_nothing_is_near() {
        assert_eq!(
            suggestion("zzz", ["docker", "process"]).as_deref(),
            Some("known here: `docker`, `process`")
        );
        assert_eq!(suggestion("zzz", []), None);
    }
}
