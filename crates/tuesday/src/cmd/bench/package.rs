//! The two bench packages, installed, and the tokens to drive them with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use tuesday_bench::{DriveOptions, get_often};
use tuesday_domain::actor::Actor;
use tuesday_domain::definition::Package;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Scope;
use tuesday_domain::time::Timestamp;
use tuesday_engine::Engine;
use tuesday_engine::ops::{InstallOptions, NewSession, NewToken};
use tuesday_store::{InstanceKind, Store, StoreReader};

use super::{BenchArgs, Workload, child::Child, finished::Written, problem};
use crate::cli::Common;
use crate::cmd::serve::bind;
use crate::config::{File, Home};
use crate::out::unavailable;
use crate::wiring::{self, Node, Opening};

const TOML: &str = include_str!("workflow.toml");
/// Goes through without a person.
pub(super) const AUTO: &str = "bench-auto";
/// Always waits for one.
pub(super) const REVIEW: &str = "bench-review";
/// Workflows of open tasks that are added; installed only for them.
pub(super) const DESKS: [&str; 6] = [
    "bench-orders",
    "bench-billing",
    "bench-claims",
    "bench-refunds",
    "bench-contracts",
    "bench-access",
];
/// Handles of the people who decide, from the package.
pub(super) const REVIEWERS: [&str; 3] = ["olga", "ben", "erik"];
/// Its history is what changes of the rules are tried on; installed only for that.
pub(super) const RULES: &str = "bench-rules";
pub(super) const TABLE: &str = "row,answer:one of yes|no,amount:money[USD] soft 0..1000 hard 0..2000,confidence:ratio soft 0.5..1,route,review_tier,reason,note\n\
    a,yes,<= 500,>= 0.8,auto,,It says yes,\nb,any,> 1000,any,review,desk,The amount is large,\np,any,any,any,review,desk,It is not sure,\n";
const FACTS: &str = "[facts]\namount = \"'250.00'\"\nconfidence = \"0.93\"\n";
const SEEN: &str = "row,answer:one of yes|no,route,review_tier,reason,note\np,any,review,desk,Always seen by a person,\n";
pub(super) const PASSED: &str = "row,answer:one of yes|no,route,review_tier,reason,note\na,yes,auto,,It says yes,\np,any,review,desk,It does not,\n";
/// Longest a server may take to be ready.
const START: Duration = Duration::from_secs(20);

/// What is driven.
pub(super) struct Bed {
    node: Node,
    pub(super) listen: String,
    pub(super) url: String,
    pub(super) trigger: String,
    pub(super) review: String,
    /// A token of each of [`REVIEWERS`]; the first is `review`.
    pub(super) reviewers: Vec<String>,
    pub(super) stub_url: String,
    pub(super) concurrency: usize,
}

impl Bed {
    /// Installs both packages in `dir` or the database, before any server runs on it.
    pub(super) async fn make(
        common: &Common,
        args: &BenchArgs,
        dir: &Path,
        stub: &Child,
    ) -> Result<Self, Problem> {
        let home = Home {
            dir: dir.to_owned(),
            database: common.database.clone(),
            file: File::default(),
        };
        let opening = Opening {
            create: true,
            kind: InstanceKind::Test,
            ..Opening::default()
        };
        let node = wiring::open(home, opening).await?;
        let by = Actor::Person("olga".to_owned());
        let desks: &[&str] = if args.open_tasks > 0 { &DESKS } else { &[] };
        let seen = desks.iter().map(|name| (*name, SEEN));
        let tried = args.workload.contains(&Workload::Backtest);
        let tried = tried.then_some((RULES, TABLE));
        let all = [(AUTO, PASSED), (REVIEW, SEEN)].into_iter().chain(seen);
        for (name, rules) in all.chain(tried) {
            let vars = BTreeMap::from([("desk_url".to_owned(), stub.url.clone())]);
            node.engine
                .install(
                    &package(name, rules),
                    InstallOptions {
                        vars,
                        test_instance: true,
                    },
                    &by,
                )
                .await?;
        }
        let token = async |scope, person: Option<&str>| {
            let new = NewToken {
                scope,
                workflow: None,
                person: person.map(str::to_owned),
                life: Duration::from_secs(86_400),
            };
            node.engine
                .create_token(new, &by)
                .await
                .map(|(text, _)| text)
        };
        let trigger = token(Scope::Trigger, None).await?;
        let mut reviewers = Vec::new();
        for person in REVIEWERS {
            reviewers.push(token(Scope::Review, Some(person)).await?);
        }
        let review = reviewers[0].clone();
        // The port is free again at once and the server takes it.
        let listen = bind("127.0.0.1:0")
            .await?
            .local_addr()
            .map_err(|e| unavailable(e.to_string()))?
            .to_string();
        let (url, stub_url) = (format!("http://{listen}"), stub.url.clone());
        Ok(Self {
            node,
            url,
            listen,
            trigger,
            review,
            reviewers,
            stub_url,
            concurrency: args.concurrency,
        })
    }

    /// Waits until the server says that it is ready.
    pub(super) async fn ready(&self) -> Result<(), Problem> {
        let (began, url) = (Instant::now(), format!("{}/readyz", self.url));
        while began.elapsed() < START {
            if get_often(&url, "", 1).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Err(unavailable(format!(
            "the server was not ready within {START:?}"
        )))
    }

    /// What is sent to a workflow: `runs` events whose keys start with `prefix`.
    pub(super) fn events(&self, workflow: &str, prefix: &str, runs: u64) -> DriveOptions {
        let mut options = DriveOptions::new(&self.url, workflow);
        options.token = Some(self.trigger.clone());
        options.concurrency = self.concurrency;
        options.runs = runs;
        options.key_prefix = prefix.to_owned();
        options
    }

    /// Effects and finished runs.
    pub(super) fn written(&self) -> Result<Written, Problem> {
        Written::new(&self.stub_url, self.reader().clone()).map_err(|e| problem(&e))
    }

    /// The file of an embedded database.
    pub(super) fn sqlite(&self) -> Option<PathBuf> {
        self.node
            .home
            .database
            .is_none()
            .then(|| self.node.home.sqlite())
    }

    /// Fills the past; whatever is measured goes through the server.
    pub(super) const fn store(&self) -> &Store {
        &self.node.store
    }

    /// Now, on the instance's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.node.engine.now()
    }

    /// Signs somebody in to the console; answers the session's token.
    pub(super) async fn session(&self, new: NewSession) -> Result<String, Problem> {
        self.node.engine.start_session(new).await
    }

    /// What the pages of a node use, in this process.
    pub(super) const fn engine(&self) -> &Engine {
        &self.node.engine
    }

    pub(super) fn reader(&self) -> &StoreReader {
        self.node.engine.reader()
    }
}

pub(super) fn package(name: &str, rules: &str) -> Package {
    let text = |about: &str| json!({"type": "string", "description": about, "x-class": "internal"});
    let schema = |properties: serde_json::Value, required: &[&str]| {
        json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "description": "Bench.", "type": "object",
            "required": required, "additionalProperties": false, "properties": properties})
        .to_string()
    };
    let answer = json!({"answer": {"enum": ["yes", "no"], "description": "Yes or no.", "x-class": "internal"}});
    let mut toml = TOML.replace("{name}", name);
    if name == RULES {
        toml = toml.replacen("[facts]\n", FACTS, 1);
    }
    Package::new([
        ("workflow.toml".to_owned(), toml),
        (
            "prompt.md".to_owned(),
            "Answer yes or no.\n\n{{ input.text }}\n".to_owned(),
        ),
        (
            "input.schema.json".to_owned(),
            schema(
                json!({"id": text("Id"), "subject": text("Subject"), "text": text("Text")}),
                &["id"],
            ),
        ),
        ("output.schema.json".to_owned(), schema(answer, &["answer"])),
        ("rules.csv".to_owned(), rules.to_owned()),
    ])
}
