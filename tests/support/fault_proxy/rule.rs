//! Which call is meant, and what happens to it.

use std::time::Duration;

/// What happens to a call.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It is forwarded after this long.
    Delay(Duration),
    /// It is forwarded when the test says so: until then the world may change.
    Hold,
    /// The reply comes one byte at a time, this far apart.
    Drip(Duration),
    /// It is never forwarded and never answered.
    Hang,
    /// The engine gets it; the answer never comes.
    HangAfter,
    /// The connection is closed before the engine gets it.
    CutBefore,
    /// The engine gets it and answers; the connection is closed instead of that answer.
    CutAfter,
    /// The engine gets it and answers; the connection is closed in the middle of that answer's head.
    CutHead,
    /// The head of the answer and this many bytes of its body get through, then the connection is closed.
    CutBody(usize),
    /// The engine never gets it; these bytes come back instead, then the connection is closed.
    Reply(Vec<u8>),
    /// The engine never gets it; its very first answer to the same question comes back again.
    Replay,
    /// The process under test is killed before the engine gets the call.
    KillBefore,
    /// The process under test is killed after the engine answered, before it hears of that.
    KillAfter,
}

impl Fault {
    /// An answer with a status and a body, as the engine would write one.
    pub(crate) fn answer(status: &str, kind: &str, body: &[u8]) -> Self {
        let mut bytes = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        )
        .into_bytes();
        bytes.extend_from_slice(body);
        Self::Reply(bytes)
    }
    /// An error as the engine words it.
    pub(crate) fn error(status: &str, message: &str) -> Self {
        let body = format!("{{\"message\":\"{message}\"}}");
        Self::answer(status, "application/json", body.as_bytes())
    }
}

/// One fault and the calls it is for.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    call: String,
    about: String,
    nth: Option<usize>,
    seen: usize,
    fired: usize,
    fault: Fault,
}

impl Rule {
    /// For every call of this kind (`POST /containers/*/start`).
    pub(crate) fn on(call: &str, fault: Fault) -> Self {
        Self {
            call: call.to_owned(),
            about: String::new(),
            nth: None,
            seen: 0,
            fired: 0,
            fault,
        }
    }
    /// Only for the `nth` of them, counted from 1.
    pub(crate) fn nth(mut self, nth: usize) -> Self {
        self.nth = Some(nth);
        self
    }
    /// Only where address or query name this.
    pub(crate) fn about(mut self, words: &str) -> Self {
        words.clone_into(&mut self.about);
        self
    }
    /// How often it struck.
    pub(super) fn fired(&self) -> usize {
        self.fired
    }
    /// Looks at a call; the fault if it is meant.
    pub(super) fn strike(&mut self, call: &str, target: &str) -> Option<Fault> {
        if self.call != call || !target.contains(&self.about) {
            return None;
        }
        self.seen += 1;
        if self.nth.is_some_and(|nth| nth != self.seen) {
            return None;
        }
        self.fired += 1;
        Some(self.fault.clone())
    }
}

/// Writes a request line as the kind of call it is: no version, no query, no ids (`GET /containers/*/json`).
pub(super) fn kind_of(method: &str, target: &str) -> String {
    let path = target.split('?').next().unwrap_or_default();
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let is_version = |part: &str| {
        part.strip_prefix('v')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    if parts.first().is_some_and(|part| is_version(part)) {
        parts.remove(0);
    }
    let names_one = match (parts.first().copied(), parts.get(1).copied()) {
        (_, None | Some("json" | "create" | "prune" | "search" | "load")) => false,
        (Some("containers" | "networks" | "volumes" | "images" | "exec"), Some(_)) => true,
        (_, Some(_)) => false,
    };
    if names_one {
        // The name of an image may have slashes of its own.
        let verb = (parts.len() > 2).then(|| parts[parts.len() - 1]);
        parts.truncate(1);
        parts.push("*");
        parts.extend(verb);
    }
    format!("{method} /{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_call_has_neither_version_nor_names() {
        for (method, target, kind) in [
            (
                "GET",
                "/v1.41/containers/json?all=true",
                "GET /containers/json",
            ),
            (
                "POST",
                "/v1.41/containers/create?name=nk-a",
                "POST /containers/create",
            ),
            ("POST", "/containers/0af3/start", "POST /containers/*/start"),
            ("DELETE", "/v1.41/volumes/nk-a-data", "DELETE /volumes/*"),
            ("GET", "/images/nk-test/web:1/json", "GET /images/*/json"),
            ("POST", "/exec/77aa/start", "POST /exec/*/start"),
            ("GET", "/volumes", "GET /volumes"),
            ("GET", "/events?since=1", "GET /events"),
        ] {
            assert_eq!(kind_of(method, target), kind);
        }
    }

    #[test]
    fn a_rule_strikes_the_call_it_names_and_no_other() {
        let mut rule = Rule::on("POST /containers/create", Fault::Hang)
            .about("name=nk-b")
            .nth(2);
        let strikes: Vec<bool> = ["name=nk-a", "name=nk-b", "name=nk-b", "name=nk-b"]
            .iter()
            .map(|target| rule.strike("POST /containers/create", target).is_some())
            .collect();
        assert_eq!(strikes, [false, false, true, false]);
        assert!(rule.strike("GET /containers/json", "name=nk-b").is_none());
        assert_eq!(rule.fired(), 1);
    }
}
