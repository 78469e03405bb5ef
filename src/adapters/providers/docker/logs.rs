//! A container's output as the engine kept it.

use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::StreamExt as _;

use crate::adapters::providers::docker::exec::split;
use crate::adapters::providers::docker::fault::{Cause, Fault, READ};
use crate::adapters::providers::docker::provider::DockerProvider;
use crate::ports::provider::{InstanceRef, LogQuery};
use crate::ports::sink::Sink;

impl DockerProvider {
    /// Hands out a log; following ends with the container.
    pub(super) async fn read_log(
        &self,
        target: &InstanceRef,
        query: LogQuery,
        sink: &dyn Sink,
    ) -> Result<(), Fault> {
        let tail = query
            .tail
            .map_or_else(|| "all".to_owned(), |lines| lines.to_string());
        let options = LogsOptionsBuilder::new()
            .stdout(true)
            .stderr(true)
            .follow(query.follow)
            .timestamps(query.timestamps)
            .tail(&tail)
            .build();
        let mut lines = self.docker.logs(target.id.as_str(), Some(options));
        loop {
            let next = if query.follow {
                lines.next().await
            } else {
                tokio::time::timeout(READ, lines.next())
                    .await
                    .map_err(|_| Fault {
                        call: "read the log of",
                        subject: target.name.clone(),
                        cause: Cause::Lost("no more of it within 30 s".to_owned()),
                    })?
            };
            match next {
                None => return Ok(()),
                Some(Ok(item)) => {
                    let (stream, bytes) = split(&item);
                    sink.output(stream, bytes);
                }
                Some(Err(error)) => {
                    return Err(Fault::of("read the log of", &target.name, &error));
                }
            }
        }
    }
}
