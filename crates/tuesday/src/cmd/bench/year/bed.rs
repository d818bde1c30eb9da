//! The instance of the year: one workflow, one node in this process, a stub world over HTTP, and a clock
//! that the plan moves.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use serde_json::json;
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{Incoming, IncomingAuth, InstallOptions};
use tuesday_engine::{Engine, Worker};
use tuesday_store::InstanceKind;
use tuesday_stub::{ModelRule, Script, TokenCounts, World};

use super::plan::{Part, Plan, dice};
use crate::cli::Common;
use crate::cmd::bench::package::{PASSED, package};
use crate::cmd::serve::bind;
use crate::config::{File, Home};
use crate::out::unavailable;
use crate::wiring::{self, Node, Opening};

/// The workflow.
pub(super) const NAME: &str = "bench-year";
/// Who answers for it.
pub(super) const OPERATOR: &str = "olga";
/// Who leaves, and who comes in their place with a release of its own.
pub(super) const LEAVES: &str = "erik";
pub(super) const COMES: &str = "mia";
/// Requests under way at once.
pub(super) const AT_ONCE: usize = 64;
/// Longest a part of a day may take until everything rests.
const REST: Duration = Duration::from_secs(300);

/// The instance.
pub(super) struct Bed {
    pub(super) node: Node,
    worker: Option<Worker>,
    world: World,
    vars: BTreeMap<String, String>,
}

impl Bed {
    pub(super) async fn make(common: &Common, dir: &Path) -> Result<Self, Problem> {
        let home = Home {
            dir: dir.to_owned(),
            database: common.database.clone(),
            file: File {
                // How full this disk is belongs to no workflow of the year.
                least_free_percent: Some(0),
                ..File::default()
            },
        };
        let opening = Opening {
            create: true,
            kind: InstanceKind::Test,
            test_clock: true,
            slots: 64,
            ..Opening::default()
        };
        let node = wiring::open(home, opening).await?;
        let world = World::lean();
        let listener = bind("127.0.0.1:0").await?;
        let at = listener
            .local_addr()
            .map_err(|e| unavailable(e.to_string()))?;
        tokio::spawn(tuesday_stub::serve(
            listener,
            world.clone(),
            std::future::pending(),
        ));
        let vars = BTreeMap::from([("desk_url".to_owned(), format!("http://{at}"))]);
        let bed = Self {
            worker: Some(Worker::start(&node.engine)),
            node,
            world,
            vars,
        };
        bed.install(LEAVES).await?;
        Ok(bed)
    }

    /// Installs the release that has this person among its reviewers.
    pub(super) async fn install(&self, third: &str) -> Result<(), Problem> {
        let mut package = package(NAME, PASSED);
        if let Some(text) = package.files.get_mut("workflow.toml") {
            for (from, to) in EDITS {
                *text = text.replacen(from, to, 1);
            }
            let name = format!("{}{}", third[..1].to_uppercase(), &third[1..]);
            *text = text.replace("erik", third).replace("Erik", &name);
        }
        let options = InstallOptions {
            vars: self.vars.clone(),
            test_instance: true,
        };
        let by = Actor::Person(OPERATOR.to_owned());
        self.engine().install(&package, options, &by).await?;
        Ok(())
    }

    pub(super) const fn engine(&self) -> &Engine {
        &self.node.engine
    }

    /// Moves the clock of database and node.
    pub(super) async fn at(&self, moment: Timestamp) -> Result<(), Problem> {
        let offset = moment.micros() - tuesday_engine::Clock::System.now().micros();
        self.node
            .store
            .set_clock(offset)
            .await
            .map_err(|e| unavailable(e.to_string()))?;
        self.engine().clock().set_offset(offset);
        Ok(())
    }

    /// What the model says from this day on.
    pub(super) fn model(&self, plan: &Plan, day: u64) -> Result<(), Problem> {
        let stub = |e: tuesday_stub::StubError| unavailable(e.to_string());
        let rule = |contains: Option<String>, answer: &str, input_tokens: u64| ModelRule {
            contains,
            answer: Some(json!({"answer": answer})),
            usage: Some(TokenCounts {
                input_tokens,
                output_tokens: 11,
            }),
            ..ModelRule::default()
        };
        self.world.clear_answers();
        self.world.answer(rule(None, "yes", 420)).map_err(stub)?;
        for code in 100 - plan.noes(day)..100 {
            let said = rule(Some(format!("case q{code:02}")), "no", 400 + code);
            self.world.answer(said).map_err(stub)?;
        }
        // Once a week the model stammers, and once it is away for a moment.
        if day % 7 == 3 {
            let stammer = ModelRule {
                times: Some(3),
                text: Some("{\"answer\": yes".to_owned()),
                ..ModelRule::default()
            };
            self.world.answer(stammer).map_err(stub)?;
            let away = Script {
                path_prefix: Some("/model".to_owned()),
                status: Some(503),
                times: 2,
                ..Script::default()
            };
            self.world.script(away).map_err(stub)?;
        }
        Ok(())
    }

    /// Lets the cases of a part come in and waits until all of them rest.
    pub(super) async fn receive(&self, part: &Part) -> Result<(), Problem> {
        let cases = part.from..part.from + part.runs;
        let sent = futures::stream::iter(cases.map(|n| self.send(n)))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<Result<(), Problem>>>()
            .await;
        sent.into_iter().collect::<Result<(), Problem>>()?;
        self.rest().await
    }

    async fn send(&self, n: u64) -> Result<(), Problem> {
        let code = dice(n, 1, 100);
        let incoming = Incoming {
            event_id: None,
            body: json!({"id": format!("y{n}"), "subject": format!("Case {n}"), "text": format!("This is case q{code:02}.")})
                .to_string()
                .into_bytes(),
            auth: IncomingAuth::Person(OPERATOR.to_owned()),
            reference: None,
        };
        self.engine().receive(NAME, incoming).await.map(drop)
    }

    /// Waits until no machine has anything to do.
    pub(super) async fn rest(&self) -> Result<(), Problem> {
        let began = Instant::now();
        loop {
            let jobs = self.engine().reader().job_count().await;
            let left = jobs.map_err(|e| unavailable(e.to_string()))?;
            if left == 0 {
                return Ok(());
            }
            if began.elapsed() > REST {
                return Err(unavailable(format!(
                    "{left} runs do not come to rest at {}",
                    self.engine().now()
                )));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Stops the node; the database stays for a server.
    pub(super) async fn stop(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.shut_down(Duration::from_secs(10)).await;
        }
    }
}

/// What the year's package has beyond that of the other workloads.
const EDITS: [(&str, &str); 4] = [
    (
        "reasons = [\"wrong\"]",
        "reasons = [\"wrong\"]\nsecond_look = { automatic_percent = 1, human_percent = 4 }",
    ),
    (
        "[limits]",
        "[capacity]\nminutes_per_task = 1\n\n[[capacity.person]]\nperson = \"olga\"\ndays = \"mon-sun\"\nhours = 8\n\n\
         [[capacity.person]]\nperson = \"ben\"\ndays = \"mon-sun\"\nhours = 8\n\n[limits]",
    ),
    (
        "url = \"${desk_url}/model\"\n",
        "url = \"${desk_url}/model\"\n\n[model.price]\ncurrency = \"EUR\"\ninput_per_million = \"3\"\noutput_per_million = \"15\"\n",
    ),
    (
        "[prompt]\nowner",
        "[drift]\ntolerance_percent = 5.0\n\n[prompt]\nowner",
    ),
];
