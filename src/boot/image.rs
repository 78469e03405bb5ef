//! Where the demo runs: on Docker when an engine answers and its image is to be had, else on host processes.

use std::collections::BTreeSet;

use crate::app::failure::Failure;
use crate::boot::{line, platform};
use crate::domain::ids::{Epoch, Lineage, OpId};
use crate::domain::project::project::{Project, ProviderKind};
use crate::ports::provider::{Op, OpKind, Outcome, Provider};
use crate::ports::sink::NoSink;

/// Chooses the platform of a project and says why, when it is not the first choice.
pub(super) fn platform(
    project: &Project,
    asked: &platform::Asked<'_>,
) -> Result<(ProviderKind, Option<String>), Failure> {
    line::runtime()?.block_on(async {
        // A demo that runs already stays where it is.
        if let Some(kind) = platform::recorded(project).await {
            return Ok((kind, None));
        }
        let chosen = platform::choose(project, asked).await?;
        if chosen.kind == ProviderKind::Process {
            return Ok((chosen.kind, chosen.remark));
        }
        let images: BTreeSet<String> = project
            .services
            .values()
            .filter_map(|service| service.image.clone())
            .collect();
        for image in images {
            if let Err(why) = at_hand(&chosen.provider, project, &image).await {
                let remark =
                    format!("host processes are used, since {image} is not to be had: {why}");
                return Ok((ProviderKind::Process, Some(remark)));
            }
        }
        Ok((ProviderKind::Docker, None))
    })
}

/// Makes sure that an image is there, fetching it where a registry answers.
async fn at_hand(provider: &impl Provider, project: &Project, image: &str) -> Result<(), String> {
    let wanted = BTreeSet::from([image.to_owned()]);
    let live = provider
        .observe(&project.scope(), &wanted)
        .await
        .map_err(|error| format!("{error}"))?;
    if !live.images.is_empty() {
        return Ok(());
    }
    let op = Op {
        id: OpId::new("demo"),
        fence: Epoch(0),
        scope: project.scope(),
        lineage: Lineage::default(),
        kind: OpKind::PullImage {
            image: image.to_owned(),
        },
    };
    match provider.apply(&op, &NoSink).await {
        Outcome::Done(_) => Ok(()),
        Outcome::Failed(error) | Outcome::Unknown(error) => Err(error.to_string()),
    }
}
