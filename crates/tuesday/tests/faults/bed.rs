//! What every test here starts from: an instance with the package of this folder, a stub world with
//! its ledgers, a client with tokens.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tuesday_store::{Store, StoreReader};
use tuesday_stub::World;
use tuesday_testkit::check::{read_all, settled};
use tuesday_testkit::{Client, Database, Effect, Home, Node, check, until};

/// Looks like a secret of this kind and occurs nowhere else.
pub(crate) const WEBHOOK_SECRET: &str = "whsec_Y2FuYXJ5LW9mLXRoZS13ZWJob29rLXNlY3JldC0x";
/// As [`WEBHOOK_SECRET`], for the model and the destination.
pub(crate) const KEY_SECRET: &str = "canary-of-the-destination-key-7f31";

/// A prepared instance with its surroundings.
pub(crate) struct Bed {
    pub(crate) home: Home,
    pub(crate) world: World,
    pub(crate) store: Store,
    pub(crate) client: Client,
    pub(crate) reviewers: Vec<(&'static str, Client)>,
    pub(crate) database: Option<Database>,
    /// Event to run, as the client was told.
    pub(crate) told: Mutex<HashMap<String, String>>,
    vars: Vec<(&'static str, String)>,
    dir: TempDir,
}

impl Bed {
    /// On SQLite, or on the given database.
    pub(crate) async fn new(database: Option<Database>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::within(dir, database).await
    }

    /// In this folder.
    pub(crate) async fn within(dir: TempDir, database: Option<Database>) -> Self {
        Self::prepared(dir, database, "package", &[]).await
    }

    /// With a change of the workflow's text: each pair is replaced once and must be there.
    pub(crate) async fn changed(database: Option<Database>, pairs: &[(&str, &str)]) -> Self {
        Self::prepared(tempfile::tempdir().unwrap(), database, "package", pairs).await
    }

    /// With the ordinary package, the files of another folder laid over it, and its workflow changed.
    pub(crate) async fn over(
        database: Option<Database>,
        overlay: &str,
        pairs: &[(&str, &str)],
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        overlaid(&dir.path().join("changed"), overlay, pairs);
        Self::prepared(dir, database, "", &[]).await
    }

    /// With another package of this folder.
    pub(crate) async fn of(name: &str, database: Option<Database>) -> Self {
        Self::prepared(tempfile::tempdir().unwrap(), database, name, &[]).await
    }

    async fn prepared(
        dir: TempDir,
        database: Option<Database>,
        name: &str,
        pairs: &[(&str, &str)],
    ) -> Self {
        let world = World::new();
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let smtp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stub_url = format!("http://{}", http.local_addr().unwrap());
        let smtp_at = smtp.local_addr().unwrap().to_string();
        tokio::spawn(tuesday_stub::serve(
            http,
            world.clone(),
            std::future::pending(),
        ));
        tokio::spawn(tuesday_stub::smtp::serve(
            smtp,
            world.clone(),
            std::future::pending(),
        ));
        let env = [
            ("TUESDAY_FAULTS_WEBHOOK", WEBHOOK_SECRET),
            ("TUESDAY_FAULTS_KEY", KEY_SECRET),
        ];
        let home = Home {
            program: env!("CARGO_BIN_EXE_tuesday").into(),
            dir: dir.path().to_owned(),
            database: database.as_ref().map(Database::url),
            env: env.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec(),
        };
        let store = home.prepare().await;
        let package = if name.is_empty() {
            dir.path().join("changed")
        } else {
            package(dir.path(), name, pairs)
        };
        home.install(&package, &[("stub_url", &stub_url), ("smtp", &smtp_at)])
            .await;
        let client = Client::new(&home.token("trigger", None).await);
        let mut reviewers = Vec::new();
        for person in ["pia", "quentin", "rhea", "boris"] {
            reviewers.push((
                person,
                Client::new(&home.token("review", Some(person)).await),
            ));
        }
        let answer = json!({"grade": "low", "summary": "nothing that matters"});
        world
            .answer(tuesday_stub::ModelRule {
                answer: Some(answer),
                model: Some("stub-1".into()),
                ..Default::default()
            })
            .unwrap();
        Self {
            home,
            world,
            store,
            client,
            reviewers,
            database,
            told: Mutex::default(),
            vars: vec![("stub_url", stub_url), ("smtp", smtp_at)],
            dir,
        }
    }

    pub(crate) fn reader(&self) -> StoreReader {
        self.store.reader()
    }

    /// Puts an account into the CRM for each case.
    pub(crate) fn accounts(&self, cases: &[Case]) {
        let records: Vec<Value> = cases
            .iter()
            .map(|c| json!({"id": c.account(), "tier": "silver", "owner": "ann", "updated_at": "@-1h"}))
            .collect();
        self.world
            .seed(&json!({"crm/accounts": records}), now())
            .unwrap();
    }

    /// The account of a case gets another tier.
    pub(crate) fn tier(&self, case: &Case, tier: &str) {
        let record =
            json!({"id": case.account(), "tier": tier, "owner": "ann", "updated_at": "@-1h"});
        self.world
            .seed(&json!({"crm/accounts": [record]}), now())
            .unwrap();
    }

    /// Every task there is, open or decided.
    pub(crate) async fn tasks(&self) -> Vec<tuesday_domain::record::Review> {
        let all = read_all(&self.reader()).await;
        all.into_values().flat_map(|f| f.reviews).collect()
    }

    /// Takes the approval of a task back, as the first reviewer; a refusal means there is none.
    pub(crate) async fn recall(&self, url: &str, task: &str) {
        let address = format!("{url}/api/v1/reviews/{task}/recall");
        let _ = self.reviewers[0].1.post(&address, &json!({})).await;
    }

    /// Decides every open task in this way, as the first reviewer; a refusal means it is decided.
    pub(crate) async fn say(&self, url: &str, act: &str, body: &Value) {
        for task in self.tasks().await {
            if !task.state.is_decided() {
                let address = format!("{url}/api/v1/reviews/{}/{act}", task.id);
                let _ = self.reviewers[0].1.post(&address, body).await;
            }
        }
    }

    /// Sends a case until it is acknowledged or refused; answers the status.
    pub(crate) async fn send(&self, url: &str, case: &Case) -> Option<u16> {
        let answer = self
            .client
            .post(&format!("{url}/api/v1/triggers/faults"), &case.event())
            .await?;
        if answer.status == 202 {
            let run = answer.text("run_id").to_owned();
            let before = self
                .told
                .lock()
                .unwrap()
                .insert(case.id.clone(), run.clone());
            assert!(
                before.is_none_or(|b| b == run),
                "I1: {} was acknowledged as two runs",
                case.id
            );
        }
        Some(answer.status)
    }

    /// Approves every open task that asks about an output, as the people of this bed.
    pub(crate) async fn approve_all(&self, url: &str) {
        let open = self
            .reader()
            .review_page(&tuesday_store::QueueFilter::default(), None, 500)
            .await
            .unwrap_or_default();
        for review in open {
            for (person, client) in self.reviewers.iter().take(2) {
                if !review.approved_by.iter().any(|p| p == person) {
                    // A refusal means that somebody was faster; the next look shows it.
                    let _ = client
                        .post(
                            &format!("{url}/api/v1/reviews/{}/approval", review.id),
                            &json!({}),
                        )
                        .await;
                }
            }
        }
    }

    /// Sends what is not acknowledged yet, approves what is asked, until everything is settled.
    pub(crate) async fn finish(&self, node: &Node, cases: &[Case]) {
        for case in cases {
            until("the case is acknowledged", || async {
                matches!(self.send(&node.url, case).await, Some(202 | 422)).then_some(())
            })
            .await;
        }
        self.settle(node).await;
    }

    /// Approves what is asked, until everything is settled.
    pub(crate) async fn settle(&self, node: &Node) {
        until("everything is settled", || async {
            self.approve_all(&node.url).await;
            // In this order: a task that opens between the two looks must be seen by the second.
            if !settled(&self.reader()).await {
                return None;
            }
            let open = self
                .reader()
                .review_page(&tuesday_store::QueueFilter::default(), None, 1)
                .await
                .ok()?;
            open.is_empty().then_some(())
        })
        .await;
    }

    /// Installs the package a second time, as `twin` with a model of its own.
    pub(crate) async fn install_twin(&self) {
        let pairs = [
            ("name = \"faults\"", "name = \"twin\""),
            ("model/grader", "model/other"),
            ("\"grader\"", "\"other\""),
        ];
        self.home
            .install(&self.variant("twin", &pairs), &self.vars())
            .await;
    }

    /// A copy of the package in a folder of this name, with each text replaced wherever it stands.
    pub(crate) fn variant(&self, folder: &str, pairs: &[(&str, &str)]) -> std::path::PathBuf {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/package");
        let to = self.dir.path().join(folder);
        std::fs::create_dir(&to).unwrap();
        for file in std::fs::read_dir(from).unwrap() {
            let file = file.unwrap();
            let mut text = std::fs::read_to_string(file.path()).unwrap();
            for (old, new) in pairs {
                text = text.replace(old, new);
            }
            std::fs::write(to.join(file.file_name()), text).unwrap();
        }
        to
    }

    /// Values of the package's variables.
    pub(crate) fn vars(&self) -> Vec<(&'static str, &str)> {
        self.vars.iter().map(|(n, v)| (*n, v.as_str())).collect()
    }

    /// The same surroundings with another folder, where a copy of the database was put back.
    pub(crate) async fn restored(mut self, dir: &Path, copy: &Path) -> Self {
        self.home.dir = dir.to_owned();
        let done = self
            .home
            .json(&["restore", &copy.display().to_string()])
            .await;
        assert_eq!(done["paused"], json!(["faults"]));
        std::fs::copy(self.dir.path().join("audit.key"), dir.join("audit.key")).unwrap();
        let config = tuesday_store::Config::sqlite(dir.join("tuesday.db"));
        self.store = Store::open(&config).await.unwrap();
        self
    }

    /// What all destinations hold.
    pub(crate) fn effects(&self) -> Vec<Effect> {
        let all = ["desk", "crm", "box", "mail"];
        all.iter().flat_map(|s| self.effects_of(s)).collect()
    }

    /// What one destination holds.
    pub(crate) fn effects_of(&self, system: &str) -> Vec<Effect> {
        let all = self.world.entries(system);
        // What a test removes is no effect of ours.
        all.into_iter()
            .filter(|e| e.method != "DELETE")
            .map(|e| Effect {
                key: effect_key(&e),
                applied: e.applied,
            })
            .collect()
    }

    /// The invariants, and how each case ended.
    pub(crate) async fn check(&self) -> std::collections::BTreeMap<String, String> {
        self.check_with(Vec::new()).await
    }

    /// As [`Bed::check`], with effects at destinations that are not of the stub world.
    pub(crate) async fn check_with(
        &self,
        more: Vec<Effect>,
    ) -> std::collections::BTreeMap<String, String> {
        let vkey = std::fs::read_to_string(self.dir.path().join("audit.vkey")).unwrap();
        let told = self.told.lock().unwrap().clone();
        let effects = [self.effects(), more].concat();
        let (all, _) = check(&self.reader(), &vkey, &told, &effects).await;
        let said = self.home.json(&["audit", "verify"]).await;
        assert_eq!(said["verified"], true, "I4: {said}");
        all.into_iter()
            .map(|(event, found)| (event, found.ending()))
            .collect()
    }

    /// Lets every lease run out, as time would.
    pub(crate) async fn pass_leases(&self) {
        let offset = self
            .reader()
            .instance()
            .await
            .unwrap()
            .unwrap()
            .clock_offset;
        self.store.set_clock(offset + 40_000_000).await.unwrap();
    }

    /// Removes the database.
    pub(crate) async fn end(self) {
        if let Some(database) = self.database {
            drop(self.store);
            database.drop().await;
        }
    }
}

/// The ordinary package with the files of another folder laid over it and its workflow's text changed, in `to`.
pub(crate) fn overlaid(to: &Path, overlay: &str, pairs: &[(&str, &str)]) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults");
    for from in [here.join("package"), here.join(overlay)] {
        copied(&from, to);
    }
    replaced(&to.join("workflow.toml"), pairs);
}

pub(crate) fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let path = file.unwrap().path();
        let inner = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copied(&path, &inner);
        } else {
            std::fs::copy(&path, inner).unwrap();
        }
    }
}

/// Replaces each text of a file once; it must be there.
pub(crate) fn replaced(path: &Path, pairs: &[(&str, &str)]) {
    let mut text = std::fs::read_to_string(path).unwrap();
    for (old, new) in pairs {
        assert!(text.contains(old), "{old} is not in {}", path.display());
        text = text.replacen(old, new, 1);
    }
    std::fs::write(path, text).unwrap();
}

/// A package of this folder, or a copy of it with another workflow text.
fn package(dir: &Path, name: &str, pairs: &[(&str, &str)]) -> std::path::PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/faults")
        .join(name);
    if pairs.is_empty() {
        return from;
    }
    let to = dir.join("changed");
    std::fs::create_dir(&to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
    replaced(&to.join("workflow.toml"), pairs);
    to
}

/// Mail carries the action's key in its `Message-ID`.
fn effect_key(entry: &tuesday_stub::Entry) -> String {
    let key = entry.idempotency_key.clone().unwrap_or_default();
    key.trim_start_matches('<')
        .split('@')
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// One case that is pushed.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) lane: &'static str,
    pub(crate) bad: bool,
}

impl Case {
    pub(crate) fn new(id: impl Into<String>, lane: &'static str) -> Self {
        Self {
            id: id.into(),
            lane,
            bad: false,
        }
    }

    pub(crate) fn account(&self) -> String {
        format!("AC-{}", self.id)
    }

    pub(crate) fn event(&self) -> Value {
        let mut event = json!({"id": self.id, "lane": self.lane, "account": self.account(), "text": format!("case {} of the tests", self.id)});
        if self.bad {
            event["lane"] = json!("nowhere");
        }
        event
    }
}

/// Runs a test on SQLite and on PostgreSQL.
pub(crate) async fn each<F: Future<Output = ()>>(test: &str, run: impl Fn(Option<Database>) -> F) {
    println!("{test} on SQLite");
    run(None).await;
    println!("{test} on PostgreSQL");
    run(Some(Database::create().await)).await;
}

/// The machine's clock: the stub world and signatures live in real time.
#[expect(
    clippy::disallowed_methods,
    reason = "a test stands outside the engine's clock"
)]
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
