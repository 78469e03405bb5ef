//! Fetching an image, with its progress in bytes.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bollard::auth::DockerCredentials;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt as _;
use serde::Deserialize;

use crate::adapters::providers::docker::fault::{Cause, Fault};
use crate::adapters::providers::docker::provider::DockerProvider;
use crate::domain::event::Stream;
use crate::domain::model::{normal_image, short_image};
use crate::ports::provider::Applied;
use crate::ports::sink::Sink;

/// A pull that shows no progress for this long is given up.
const STALLED: Duration = Duration::from_secs(300);

#[derive(Default, Deserialize)]
struct Config {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
}

#[derive(Deserialize)]
struct Auth {
    auth: Option<String>,
    identitytoken: Option<String>,
}

/// Bytes of all layers together.
#[derive(Default)]
struct Progress {
    layers: BTreeMap<String, (u64, u64)>,
}

impl Progress {
    fn take(&mut self, step: &CreateImageInfo) -> Option<(u64, u64)> {
        let id = step.id.clone()?;
        let detail = step.progress_detail.as_ref()?;
        let done = u64::try_from(detail.current?).ok()?;
        // Unpacking counts the same bytes a second time.
        if step.status.as_deref() != Some("Downloading") {
            return None;
        }
        let total = detail
            .total
            .and_then(|t| u64::try_from(t).ok())
            .unwrap_or(done);
        self.layers.insert(id, (done, total));
        Some(self.layers.values().fold((0, 0), |(done, total), layer| {
            (done + layer.0, total + layer.1)
        }))
    }
}

impl DockerProvider {
    /// Fetches an image.
    pub(super) async fn pull(&self, image: &str, sink: &dyn Sink) -> Result<Applied, Fault> {
        let name = normal_image(image);
        let options = CreateImageOptionsBuilder::new().from_image(&name).build();
        let credentials = credentials(&self.config, &name);
        let mut steps = self.docker.create_image(Some(options), None, credentials);
        let mut progress = Progress::default();
        loop {
            let step = tokio::time::timeout(STALLED, steps.next())
                .await
                .map_err(|_| Fault {
                    call: "pull image",
                    subject: image.to_owned(),
                    cause: Cause::Lost(format!("no progress for {} s", STALLED.as_secs())),
                })?;
            match step {
                None => break,
                Some(Err(error)) => {
                    return Err(explain(Fault::of("pull image", image, &error), image));
                }
                Some(Ok(step)) => match progress.take(&step) {
                    Some((done, total)) => sink.progress(done, Some(total), "bytes"),
                    None => tell(&step, sink),
                },
            }
        }
        // The tag may have moved: whatever was known about it is old.
        self.seen.open().images.remove(&name);
        let facts = self.image_facts(&name).await?;
        Ok(Applied {
            name: Some(image.to_owned()),
            image_id: Some(facts.id),
            ..Applied::default()
        })
    }
}

fn tell(step: &CreateImageInfo, sink: &dyn Sink) {
    let Some(status) = &step.status else { return };
    // Progress of unpacking: one line for each tick would be noise.
    if step
        .progress_detail
        .as_ref()
        .is_some_and(|detail| detail.current.is_some())
    {
        return;
    }
    let line = match &step.id {
        Some(id) => format!("{id}: {status}\n"),
        None => format!("{status}\n"),
    };
    sink.output(Stream::Engine, line.as_bytes());
}

/// Says what to do now; the engine only says that it could not.
fn explain(mut fault: Fault, image: &str) -> Fault {
    let short = short_image(image).to_owned();
    if let Cause::Answer { message, .. } = &mut fault.cause {
        let words = message.to_lowercase();
        let hint = if words.contains("denied") || words.contains("unauthorized") {
            format!(
                "check the name, or log in first: `docker login {}`",
                registry(image)
            )
        } else if words.contains("not found") || words.contains("manifest unknown") {
            format!("check name and tag of {short}, or build it here and tag it so")
        } else {
            format!(
                "check the network, or bring the image here: `docker save {short}` elsewhere, `docker load` here"
            )
        };
        *message = format!("{message}; {hint}");
        // "Not found" is the registry's answer about the image, not about an object of ours.
        fault.cause = Cause::Refused(message.clone());
    }
    fault
}

fn registry(image: &str) -> String {
    let name = normal_image(image);
    match name.split_once('/') {
        Some((host, _)) if host != "docker.io" => host.to_owned(),
        Some(_) | None => String::new(),
    }
}

/// Reads the credentials the `docker` command keeps in clear; those in a helper are left to it.
fn credentials(config: &Path, image: &str) -> Option<DockerCredentials> {
    let text = std::fs::read_to_string(config.join("config.json")).ok()?;
    let config: Config = serde_json::from_str(&text).ok()?;
    let host = image.split_once('/').map_or("docker.io", |(host, _)| host);
    let keys = match host {
        "docker.io" => vec![
            "https://index.docker.io/v1/",
            "index.docker.io",
            "docker.io",
        ],
        host => vec![host],
    };
    let (address, auth) = keys.into_iter().find_map(|key| {
        let plain = config.auths.get(key);
        let with_scheme = || config.auths.get(&format!("https://{key}"));
        Some((key, plain.or_else(with_scheme)?))
    })?;
    let decoded = auth.auth.as_deref().and_then(base64);
    let (username, password) = decoded
        .as_deref()
        .and_then(|pair| pair.split_once(':'))
        .map_or((None, None), |(user, password)| {
            (Some(user.to_owned()), Some(password.to_owned()))
        });
    let known = username.is_some() || auth.identitytoken.is_some();
    known.then(|| DockerCredentials {
        username,
        password,
        identitytoken: auth.identitytoken.clone(),
        serveraddress: Some(address.to_owned()),
        ..DockerCredentials::default()
    })
}

/// Decodes standard base64 text.
fn base64(text: &str) -> Option<String> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut held, mut bits) = (0_u32, 0_u32);
    for letter in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        held = (held << 6) | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::models::ProgressDetail;

    #[test]
    fn credentials_in_clear_are_found_by_registry() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(
            home.path().join("config.json"),
            r#"{"auths": {"https://index.docker.io/v1/": {"auth": "bWU6c2VjcmV0OngK"},
                          "localhost:5000": {"auth": "YTpi"}, "helper.example": {}}}"#,
        )
        .unwrap();
        let cases = [
            ("docker.io/library/busybox:1", Some(("me", "secret:x\n"))),
            ("localhost:5000/api:1", Some(("a", "b"))),
            ("helper.example/api:1", None),
            ("other.example/api:1", None),
        ];
        for (image, expected) in cases {
            let found = credentials(home.path(), image);
            let found = found.as_ref().map(|c| {
                let text = |value: &Option<String>| value.clone().unwrap_or_default();
                (text(&c.username), text(&c.password))
            });
            let expected = expected.map(|(user, word)| (user.to_owned(), word.to_owned()));
            assert_eq!(found, expected, "{image}");
        }
        assert!(credentials(Path::new("/nowhere"), "docker.io/a/b").is_none());
    }

    #[test]
    fn progress_is_the_sum_of_all_layers_while_they_download() {
        let step = |id: &str, status: &str, current, total| CreateImageInfo {
            id: Some(id.to_owned()),
            status: Some(status.to_owned()),
            progress_detail: Some(ProgressDetail {
                current: Some(current),
                total: Some(total),
            }),
            ..CreateImageInfo::default()
        };
        let mut progress = Progress::default();
        let steps = [
            (step("a", "Downloading", 10, 100), Some((10, 100))),
            (step("b", "Downloading", 5, 50), Some((15, 150))),
            (step("a", "Extracting", 1, 100), None),
            (step("a", "Downloading", 100, 100), Some((105, 150))),
        ];
        for (step, expected) in steps {
            assert_eq!(progress.take(&step), expected);
        }
    }

    #[test]
    fn a_failed_pull_says_what_to_do() {
        let cases = [
            (
                "pull access denied for x",
                "acme.example/x:1",
                "docker login acme.example",
            ),
            ("manifest unknown", "x:1", "check name and tag of x:1"),
            ("dial tcp: lookup failed", "x:1", "docker load"),
        ];
        for (message, image, expected) in cases {
            let fault = Fault {
                call: "pull image",
                subject: image.to_owned(),
                cause: Cause::Answer {
                    status: 404,
                    message: message.to_owned(),
                },
            };
            let text = explain(fault, image).into_error("unix:///x").to_string();
            assert!(text.contains(expected) && text.contains(message), "{text}");
        }
    }
}
