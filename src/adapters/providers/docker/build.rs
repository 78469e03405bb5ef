//! Building an image with the engine's classic builder, its context streamed as it is read.
//!
//! The context is never held whole: a thread walks the folder and writes a tar into a channel of a few pieces
//! that the request drains. What `.dockerignore` names stays here; Dockerfile and `.dockerignore` always go.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::models::BuildInfo;
use bollard::query_parameters::BuildImageOptionsBuilder;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;

use crate::adapters::providers::docker::fault::{Cause, Fault};
use crate::adapters::providers::docker::ignore::Rules;
use crate::adapters::providers::docker::provider::DockerProvider;
use crate::domain::event::Stream;
use crate::domain::ids::ImageId;
use crate::domain::model::normal_image;
use crate::domain::project::service::Build;
use crate::ports::provider::Applied;
use crate::ports::sink::Sink;

/// A build that says nothing for this long is given up.
const SILENT: Duration = Duration::from_secs(30 * 60);
/// Bytes handed to the request at once.
const PIECE: usize = 64 * 1024;
/// Lines kept for the message of a failed build.
const LAST_LINES: usize = 20;
/// Name a Dockerfile from outside the context travels under.
const FOREIGN_DOCKERFILE: &str = ".nk-dockerfile";

/// What the builder said so far.
#[derive(Default)]
struct Said {
    image: Option<String>,
    step: Option<(u64, u64)>,
    lines: Vec<String>,
}

impl DockerProvider {
    /// Builds an image and tags it.
    pub(super) async fn build(
        &self,
        build: &Build,
        tag: &str,
        sink: &dyn Sink,
    ) -> Result<Applied, Fault> {
        let context = Context::of(build);
        context
            .check()
            .map_err(|why| Fault::refused("build image", tag, why))?;
        let args = build
            .args
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let options = BuildImageOptionsBuilder::new()
            .dockerfile(&context.dockerfile_name())
            .t(tag)
            .rm(true)
            .forcerm(true)
            .buildargs(&args)
            .build();
        let body = bollard::body_try_stream(context.stream());
        let mut answers = Box::pin(self.docker.build_image(options, None, Some(body)));
        let mut said = Said::default();
        loop {
            let answer = tokio::time::timeout(SILENT, answers.next())
                .await
                .map_err(|_| Fault {
                    call: "build image",
                    subject: tag.to_owned(),
                    cause: Cause::Lost("the builder went silent".to_owned()),
                })?;
            match answer {
                None => break,
                Some(Ok(answer)) => said.take(answer, sink),
                Some(Err(error)) => {
                    return Err(said.explain(Fault::of("build image", tag, &error)));
                }
            }
        }
        let name = normal_image(tag);
        self.seen.open().images.remove(&name);
        let id = match said.image {
            Some(id) => ImageId(id),
            None => self.image_facts(tag).await?.id,
        };
        self.seen.open().images.insert(name, id.clone());
        Ok(Applied {
            name: Some(tag.to_owned()),
            image_id: Some(id),
            ..Applied::default()
        })
    }
}

impl Said {
    fn take(&mut self, answer: BuildInfo, sink: &dyn Sink) {
        if let Some(image) = answer.aux {
            self.image = image.id.or(self.image.take());
        }
        let text = answer.stream.or_else(|| {
            let status = answer.status?;
            // Pulling the base image: the ticks of its progress are noise here.
            let is_tick = answer.progress_detail.is_some_and(|d| d.current.is_some());
            (!is_tick).then(|| match answer.id {
                Some(id) => format!("{id}: {status}\n"),
                None => format!("{status}\n"),
            })
        });
        let Some(text) = text else { return };
        sink.output(Stream::Engine, text.as_bytes());
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            if let Some((done, total)) = step_of(line) {
                self.step = Some((done, total));
                sink.progress(done, Some(total), "steps");
            }
            if self.lines.len() == LAST_LINES {
                self.lines.remove(0);
            }
            self.lines.push(line.to_owned());
        }
    }

    fn explain(&self, mut fault: Fault) -> Fault {
        if let Cause::Answer { message, .. } = &fault.cause {
            let mut text = message.clone();
            for line in &self.lines {
                text.push_str("\n  ");
                text.push_str(line);
            }
            fault.cause = Cause::Refused(text);
        }
        fault
    }
}

/// Reads `Step 2/5 : RUN …`.
fn step_of(line: &str) -> Option<(u64, u64)> {
    let (done, total) = line
        .strip_prefix("Step ")?
        .split(' ')
        .next()?
        .split_once('/')?;
    Some((done.parse().ok()?, total.parse().ok()?))
}

/// A folder on its way to the builder.
#[derive(Clone, Debug)]
struct Context {
    root: PathBuf,
    dockerfile: PathBuf,
}

impl Context {
    fn of(build: &Build) -> Self {
        Self {
            root: build.context.clone(),
            dockerfile: build.dockerfile.clone(),
        }
    }

    fn is_foreign(&self) -> bool {
        self.dockerfile.is_absolute()
    }

    fn dockerfile_name(&self) -> String {
        if self.is_foreign() {
            FOREIGN_DOCKERFILE.to_owned()
        } else {
            self.dockerfile.to_string_lossy().into_owned()
        }
    }

    fn check(&self) -> Result<(), String> {
        if !self.root.is_dir() {
            return Err(format!("{} is not a folder", self.root.display()));
        }
        let dockerfile = self.root.join(&self.dockerfile);
        if !dockerfile.is_file() {
            return Err(format!("there is no {}", dockerfile.display()));
        }
        Ok(())
    }

    /// Starts to read; dropping the stream ends the reading.
    fn stream(self) -> impl futures_util::Stream<Item = Result<Bytes, io::Error>> + Send {
        let (sender, receiver) = mpsc::channel(8);
        tokio::task::spawn_blocking(move || {
            let mut pieces = Pieces {
                sender,
                held: Vec::with_capacity(PIECE),
            };
            if let Err(error) = self.write(&mut pieces) {
                let _ = pieces.sender.blocking_send(Err(error));
            }
        });
        stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|piece| (piece, receiver))
        })
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let rules = match fs::read_to_string(self.root.join(".dockerignore")) {
            Ok(text) => Rules::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Rules::default(),
            Err(error) => return Err(error),
        };
        let mut tar = tar::Builder::new(out);
        tar.follow_symlinks(false);
        self.write_folder(&mut tar, Path::new(""), &rules)?;
        if self.is_foreign() {
            tar.append_path_with_name(&self.dockerfile, FOREIGN_DOCKERFILE)?;
        }
        tar.into_inner()?.flush()
    }

    fn write_folder(
        &self,
        tar: &mut tar::Builder<&mut impl Write>,
        folder: &Path,
        rules: &Rules,
    ) -> io::Result<()> {
        let mut entries: Vec<_> =
            fs::read_dir(self.root.join(folder))?.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            let stays = rules.ignores(&path.to_string_lossy()) && !self.always_goes(&path);
            if kind.is_dir() {
                if !stays {
                    tar.append_dir(&path, entry.path())?;
                }
                if !stays || rules.has_exceptions() {
                    self.write_folder(tar, &path, rules)?;
                }
            } else if !stays && (kind.is_file() || kind.is_symlink()) {
                // Sockets and pipes have no place in an image.
                tar.append_path_with_name(entry.path(), &path)?;
            }
        }
        Ok(())
    }

    fn always_goes(&self, path: &Path) -> bool {
        path == self.dockerfile || path == Path::new(".dockerignore")
    }
}

/// Writes into a channel in pieces.
struct Pieces {
    sender: mpsc::Sender<Result<Bytes, io::Error>>,
    held: Vec<u8>,
}

impl Pieces {
    fn send(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.held));
        self.sender
            .blocking_send(Ok(piece))
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        if self.held.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(context: &Context) -> Vec<String> {
        let mut bytes = Vec::new();
        context.write(&mut bytes).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect()
    }

    #[test]
    fn the_context_goes_without_what_is_ignored_but_with_its_dockerfile() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        };
        for path in [
            "Dockerfile",
            "a.txt",
            "skip/b",
            "skip/keep",
            "sub/c.log",
            "sub/d",
        ] {
            write(path);
        }
        fs::write(
            folder.path().join(".dockerignore"),
            "Dockerfile\nskip\n!skip/keep\n**/*.log\n",
        )
        .unwrap();
        let context = Context {
            root: folder.path().to_owned(),
            dockerfile: "Dockerfile".into(),
        };
        assert_eq!(
            names(&context),
            [
                ".dockerignore",
                "Dockerfile",
                "a.txt",
                "skip/keep",
                "sub",
                "sub/d"
            ]
        );
    }

    #[test]
    fn a_dockerfile_from_elsewhere_travels_along() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("My.dockerfile"), "FROM scratch\n").unwrap();
        let context = Context {
            root: folder.path().to_owned(),
            dockerfile: elsewhere.path().join("My.dockerfile"),
        };
        assert_eq!(context.check(), Ok(()));
        assert_eq!(names(&context), [context.dockerfile_name()]);
    }

    #[test]
    fn steps_are_read_from_the_builders_words() {
        assert_eq!(step_of("Step 2/5 : RUN make"), Some((2, 5)));
        assert_eq!(step_of(" ---> 12ab"), None);
    }
}
