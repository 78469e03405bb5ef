//! What a look and a deploy cost in calls to the engine.

use nanokit::adapters::providers::docker::provider::DockerProvider;
use nanokit::domain::ids::Instance;
use nanokit::ports::provider::{OpKind, Provider};

use crate::docker::{IMAGE, variables};
use crate::fault_proxy::{FaultProxy, engine_socket};
use crate::suite::stage::{Stage, idle, joined, play};

fn counted() -> (Stage<DockerProvider>, FaultProxy) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s");
    let proxy = FaultProxy::start(&path, &engine_socket()).expect("it listens");
    let mut variables = variables();
    variables.insert(
        "DOCKER_HOST".into(),
        format!("unix://{}", proxy.path().display()),
    );
    let provider = DockerProvider::new(&variables).expect("the proxy is there");
    (Stage::new(provider, Some(IMAGE), Some(folder)), proxy)
}

#[tokio::test(flavor = "current_thread")]
async fn a_look_costs_four_lists_and_one_inspection_each() {
    let (stage, proxy) = counted();
    play(&stage, async {
        for number in 0..3 {
            let mut wish = stage.spec(idle("api"));
            wish.instance = Instance(number);
            stage.create(wish).await;
        }
        proxy.take();
        assert_eq!(stage.live().await.instances.len(), 3);
        let mut calls = proxy.take();
        calls.sort();
        let lists = [
            "GET /containers/json",
            "GET /images/json",
            "GET /networks",
            "GET /volumes",
        ];
        for list in lists {
            assert_eq!(
                calls.iter().filter(|call| *call == list).count(),
                1,
                "{calls:#?}"
            );
        }
        let inspected = calls.iter().filter(|call| call.ends_with("/json")).count();
        assert_eq!((inspected, calls.len()), (2 + 3, 4 + 3), "{calls:#?}");
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn instances_of_one_image_cost_two_calls_each_and_one_look_at_the_image() {
    let (stage, proxy) = counted();
    play(&stage, async {
        stage.live().await;
        proxy.take();
        let network = nanokit::domain::project::project::Network {
            name: "default".into(),
            ..Default::default()
        };
        let hash = "1:net".to_owned();
        stage.done(OpKind::CreateNetwork { network, hash }).await;
        let made = (0..8).map(|number| {
            let stage = &stage;
            async move {
                let mut wish = stage.spec(idle("api"));
                wish.instance = Instance(number);
                wish.service.networks = joined(&[("default", &[])]);
                let target = stage.create(wish).await;
                stage.done(OpKind::StartInstance(target)).await;
            }
        });
        futures_util::future::join_all(made).await;
        let calls = proxy.take();
        // The network with the look that its name is free, one look at the image, and create and start of each.
        assert_eq!(calls.len(), 2 + 1 + 2 * 8, "{calls:#?}");
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn describing_and_connecting_cost_nothing() {
    let (stage, proxy) = counted();
    assert!(stage.provider.describe().starts_with("docker at unix://"));
    assert!(stage.provider.capabilities().images);
    assert_eq!(proxy.take(), Vec::<String>::new());
}
