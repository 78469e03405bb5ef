//! Which environment is meant: `-e`, else the branch by `git.environments`, else `local`.

use crate::domain::config::findings::Findings;
use crate::domain::config::load::LoadInput;
use crate::domain::config::near::suggestion;
use crate::domain::config::tree::Node;
use crate::domain::config::yaml::brief;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::ids::EnvName;
use crate::domain::place::Span;
use crate::domain::project::project::EnvRule;

/// Chooses the environment; a bad name is a finding and leaves `local`.
pub(crate) fn choose(
    input: &LoadInput<'_>,
    root: &Node,
    findings: &mut Findings,
) -> Option<(EnvName, EnvRule)> {
    let (name, rule, span) = wanted(input, root);
    if let Err(why) = EnvName::parse(&name) {
        let finding = Diagnostic::error(
            "NK0205",
            format!("`{}` cannot be an environment: {why}", brief(&name)),
        );
        findings.push(match span {
            Some(span) => finding.at(span, "named here"),
            None => finding,
        });
    }
    let env = EnvName::parse(&name)
        .or_else(|_| EnvName::parse("local"))
        .ok()?;
    let known: Vec<&str> = root
        .entries("environments")
        .map(|(name, _)| name.as_str())
        .collect();
    if rule == EnvRule::Flag
        && !known.is_empty()
        && env.as_str() != "local"
        && !known.contains(&env.as_str())
    {
        let text =
            format!("the file has no environment `{env}`; the values without overrides are used");
        let mut finding = Diagnostic::warning("NK0306", text);
        if let Some(help) = suggestion(env.as_str(), known.iter().copied()) {
            finding = finding.help(help);
        }
        findings.push(finding);
    }
    Some((env, rule))
}

fn wanted(input: &LoadInput<'_>, root: &Node) -> (String, EnvRule, Option<Span>) {
    if let Some(env) = &input.env {
        return (env.clone(), EnvRule::Flag, None);
    }
    let branch = input.branch.as_deref().unwrap_or_default();
    let patterns = root
        .get("git")
        .into_iter()
        .flat_map(|git| git.entries("environments"));
    for (pattern, entry) in patterns {
        let Some(env) = entry.node.text() else {
            continue;
        };
        if !branch.is_empty() && matches(pattern, branch) {
            let rule = EnvRule::Git {
                branch: branch.to_owned(),
                pattern: pattern.clone(),
            };
            return (env.to_owned(), rule, Some(entry.node.span));
        }
    }
    ("local".to_owned(), EnvRule::Default, None)
}

/// Matches a glob: `*` stands for any text (also with `/`), `?` for one character.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on when the last `*` has to take one character more.
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                back = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == '?' || text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after, taken)) = back else {
                    return false;
                };
                back = Some((after, taken + 1));
                p = after;
                t = taken + 1;
            }
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_match_globs() {
        let cases = [
            ("main", "main", true),
            ("main", "mainly", false),
            ("feature/*", "feature/a/b", true),
            ("feature/*", "features", false),
            ("*", "", true),
            ("*-fix-?", "a-fix-b-fix-c", true),
            ("*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaa", false),
            ("v?.?", "v1.2", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
