//! An engine on an empty database with one small workflow.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tuesday_domain::actor::Actor;
use tuesday_domain::audit::NoteSigner;
use tuesday_domain::definition::Package;
use tuesday_engine::ops::{Incoming, IncomingAuth, InstallOptions};
use tuesday_engine::{Clock, CrashHook, Engine, EngineConfig, Worker};
use tuesday_store::{Config, Instance, InstanceKind, Store};
use tuesday_testkit::check::{read_all, settled};
use tuesday_testkit::fakes::Fakes;
use tuesday_testkit::{Found, check, until};

const WORKFLOW: &str = r#"
[workflow]
name = "small"
title = "Small"
about = "Grades a case and notes the grade."
time_zone = "Europe/Berlin"
subject = "{{ input.id }}"
support = "Ask Rhea Lind"
[owners]
operator = { handle = "rhea", name = "Rhea Lind", email = "rhea.lind@example.com" }
backup = { handle = "boris", name = "Boris Amari", email = "boris.amari@example.com" }
technical = { handle = "tove", name = "Tove Nyman", email = "tove.nyman@example.com" }
escalation = { handle = "edda", name = "Edda Moreau", email = "edda.moreau@example.com" }
[[trigger]]
name = "hand"
kind = "cli"
event_id = "id"
[input]
schema = "input.schema.json"
[[source]]
name = "crm"
kind = "http"
system = "CRM"
rank = 1
class = "internal"
url = "https://crm.example.com/{{ input.id }}"
fields = ["tier"]
critical = ["tier"]
record_id = "id"
updated_at = "updated_at"
warn_after = "1d"
error_after = "30d"
[[source]]
name = "contract"
kind = "http"
system = "Contracts"
rank = 2
class = "internal"
url = "https://contracts.example.com/{{ input.id }}"
fields = ["tier"]
critical = ["tier"]
required = false
record_id = "id"
updated_at = "updated_at"
warn_after = "1d"
error_after = "30d"
[model]
kind = "http"
pin = "fake-1"
provider = "fake"
url = "https://model.example.com"
clearance = "internal"
[model.price]
currency = "EUR"
input_per_million = "0"
output_per_million = "0"
[prompt]
owner = "rhea"
[output]
schema = "output.schema.json"
[facts]
grade = "output.grade"
[review]
due = "4h"
reasons = ["wrong"]
on_approve = "act"
recall_seconds = 0
on_reject = "close"
[[review.tier]]
name = "desk"
owner = "rhea"
backup = "boris"
[[action]]
name = "note"
class = "write"
kind = "http"
system = "Desk"
ability = "B"
target = "input.id"
method = "POST"
url = "https://desk.example.com/notes"
[action.fields]
grade = "output.grade"
[manual]
owner = "rhea"
instructions = "Grade it by hand."
due = "8h"
[limits]
first_delay = "10ms"
max_delay = "20ms"
max_attempts = 3
[on_failure]
snapshot = "retry"
generate = "retry"
validate = "person"
route = "person"
dispatch = "retry"
[rollout]
label = "production"
stage = "auto"
"#;

/// Its model costs nothing, and says so.
pub(crate) const FREE: &str =
    "[model.price]\ncurrency = \"EUR\"\ninput_per_million = \"0\"\noutput_per_million = \"0\"\n";

const INPUT: &str = r#"{"type":"object","required":["id"],"additionalProperties":false,"properties":{
    "id":{"type":"string","maxLength":40,"description":"Number of the case.","x-class":"internal"}}}"#;
const OUTPUT: &str = r#"{"type":"object","required":["grade"],"additionalProperties":false,"properties":{
    "grade":{"enum":["low","high"],"description":"How much it matters.","x-class":"internal"}}}"#;
pub(crate) const RULES: &str = "row,grade:one of low|high,route,review_tier,reason,note\nr1,low,auto,,It matters little,\nr2,any,review,desk,It matters,\n";

/// Engine, store and what surrounds them.
pub(crate) struct Bench {
    pub(crate) engine: Engine,
    pub(crate) fakes: Fakes,
    pub(crate) store: Store,
    signer: Arc<NoteSigner>,
    dir: tempfile::TempDir,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::of(WORKFLOW, INPUT, RULES, None).await
    }

    /// With a change of the workflow's text: each pair is replaced once and must be there.
    pub(crate) async fn changed(pairs: &[(&str, &str)]) -> Self {
        Self::on(pairs, None).await
    }

    /// As [`Bench::changed`], on the database, or on SQLite.
    pub(crate) async fn on(pairs: &[(&str, &str)], database: Option<&str>) -> Self {
        let mut text = WORKFLOW.to_owned();
        for (old, new) in pairs {
            assert!(text.contains(old), "{old} is not in the workflow");
            text = text.replacen(old, new, 1);
        }
        Self::of(&text, INPUT, RULES, database).await
    }

    /// As [`Bench::on`], with further files of the package, as a second release.
    pub(crate) async fn with_files(
        pairs: &[(&str, &str)],
        files: &[(&str, &str)],
        database: Option<&str>,
    ) -> Self {
        let bench = Self::on(pairs, database).await;
        let mut text = WORKFLOW.to_owned();
        for (old, new) in pairs {
            text = text.replacen(old, new, 1);
        }
        let mut all = package(&text, INPUT, RULES);
        let more = files
            .iter()
            .map(|(n, t)| ((*n).to_owned(), (*t).to_owned()));
        all.files.extend(more);
        bench.put(&all).await;
        bench
    }

    /// With a restricted field of the event, which the action writes. On the database, or on SQLite.
    pub(crate) async fn restricted(database: Option<&str>) -> Self {
        let text = WORKFLOW.replacen(
            "[action.fields]\n",
            "[action.fields]\niban = \"input.iban\"\n",
            1,
        );
        let input = INPUT.replacen(
            "\"properties\":{",
            "\"properties\":{\"iban\":{\"type\":\"string\",\"maxLength\":40,\
             \"description\":\"The account.\",\"x-class\":\"restricted\"},",
            1,
        );
        Self::of(&text, &input, RULES, database).await
    }

    /// With amounts: `rules` may compare `amount`, which is the event's own. On the database, or on
    /// SQLite.
    pub(crate) async fn amounts(rules: &str, database: Option<&str>) -> Self {
        Self::amounts_and(rules, "", database).await
    }

    /// As [`Bench::amounts`], with a second action written out in full.
    pub(crate) async fn amounts_and(rules: &str, second: &str, database: Option<&str>) -> Self {
        let text = WORKFLOW
            .replacen(
                "grade = \"output.grade\"\n[review]",
                "amount = \"input.amount\"\n[review]",
                1,
            )
            .replacen(
                "[[trigger]]",
                "sponsor = { handle = \"sia\", name = \"Sia Berg\", email = \"sia.berg@example.com\" }\n\
                 reviewers = [{ handle = \"quin\", name = \"Quin Ode\", email = \"quin.ode@example.com\" }]\n[[trigger]]",
                1,
            )
            .replacen(
                "ability = \"B\"",
                "ability = \"D\"\nread_url = \"https://desk.example.com/notes/{{ target }}\"",
                1,
            )
            .replacen("[manual]", &format!("{second}[manual]"), 1);
        let input = INPUT.replacen(
            "\"properties\":{",
            "\"properties\":{\"amount\":{\"type\":[\"string\",\"null\"],\"maxLength\":20,\
             \"description\":\"The amount.\",\"x-class\":\"internal\"},",
            1,
        );
        Self::of(&text, &input, rules, database).await
    }

    async fn of(workflow: &str, input: &str, rules: &str, database: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = database.map_or_else(
            || Config::sqlite(dir.path().join("tuesday.db")),
            Config::postgres,
        );
        let store = Store::open(&config).await.unwrap();
        let instance = Instance {
            id: "test".into(),
            origin: "tuesday.local/test".into(),
            kind: InstanceKind::Test,
            created_at: Clock::System.now(),
            clock_offset: 0,
            restored_at: None,
        };
        store.init_instance(&instance).await.unwrap();
        let fakes = Fakes::new(&json!({"grade": "low"}));
        let now = Clock::System.now().rfc3339();
        fakes.record("crm", json!({"id": "1", "tier": "gold", "updated_at": now}));
        fakes.record(
            "contract",
            json!({"id": "1", "tier": "gold", "updated_at": now}),
        );
        let signer = Arc::new(NoteSigner::from_seed(&instance.origin, &[9; 32]).unwrap());
        let engine = node(&store, &fakes, &signer, "one");
        let bench = Self {
            engine,
            fakes,
            store,
            signer,
            dir,
        };
        bench.install(workflow, input, rules).await;
        bench
    }

    /// Installs a release whose event's id is confidential.
    pub(crate) async fn stricter(&self) {
        let input = INPUT.replacen(
            "\"x-class\":\"internal\"",
            "\"x-class\":\"confidential\"",
            1,
        );
        let workflow = WORKFLOW.replacen(
            "clearance = \"internal\"",
            "clearance = \"confidential\"",
            1,
        );
        self.install(&workflow, &input, RULES).await;
    }

    async fn install(&self, workflow: &str, input: &str, rules: &str) {
        self.put(&package(workflow, input, rules)).await;
    }

    /// The package under another name.
    pub(crate) fn named(&self, name: &str) -> Package {
        let text = WORKFLOW.replacen("name = \"small\"", &format!("name = {name:?}"), 1);
        package(&text, INPUT, RULES)
    }

    /// Installs the next release.
    pub(crate) async fn put(&self, package: &Package) {
        let options = InstallOptions {
            test_instance: true,
            ..InstallOptions::default()
        };
        self.engine
            .install(package, options, &Actor::Person("rhea".into()))
            .await
            .unwrap();
    }

    /// Installs the next release, with these questions asked at the desk.
    pub(crate) async fn checklist(&self, points: &[&str]) {
        let list = format!("backup = \"boris\"\nchecklist = {points:?}\n[[action]]");
        let text = WORKFLOW.replacen("backup = \"boris\"\n[[action]]", &list, 1);
        assert_ne!(text, WORKFLOW);
        self.install(&text, INPUT, RULES).await;
    }

    /// A second node on the same database.
    pub(crate) async fn another(&self, name: &str) -> Engine {
        let engine = node(&self.store, &self.fakes, &self.signer, name);
        engine.load().await.unwrap();
        engine
    }

    /// A second node that publishes its checkpoints to this file of the bench's folder.
    pub(crate) async fn publishing(&self, name: &str, file: &str) -> Engine {
        let config = EngineConfig {
            checkpoint_file: Some(self.dir.path().join(file)),
            ..config(&self.signer, name)
        };
        let ports = self.fakes.ports();
        let engine = Engine::new(self.store.clone(), ports, Clock::offset(0), config);
        engine.load().await.unwrap();
        engine
    }

    /// Appends a head that this instance's key has signed to a file of published ones.
    pub(crate) fn publish(&self, file: &str, size: u64, root: [u8; 32]) {
        let origin = self.signer.verifier().name().to_owned();
        let head = tuesday_domain::audit::Checkpoint { origin, size, root };
        let note = head.sign(&self.signer).unwrap();
        let path = self.dir.path().join(file);
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::write(path, format!("{before}{note}\n\n")).unwrap();
    }

    /// A second node whose steps stop at a hook.
    pub(crate) async fn hooked(&self, name: &str, hook: CrashHook) -> Engine {
        let engine = Engine::new(
            self.store.clone(),
            self.fakes.ports(),
            Clock::offset(0),
            EngineConfig {
                crash: Some(hook),
                ..config(&self.signer, name)
            },
        );
        engine.load().await.unwrap();
        engine
    }

    /// An event with an amount, taken in by this node.
    pub(crate) async fn receive_amount(&self, engine: &Engine, id: &str, amount: Option<&str>) {
        let incoming = Incoming {
            event_id: None,
            body: json!({"id": id, "amount": amount}).to_string().into_bytes(),
            auth: IncomingAuth::Person("rhea".into()),
            reference: None,
        };
        engine.receive("small", incoming).await.unwrap();
    }

    pub(crate) async fn receive(&self, id: &str) {
        let incoming = Incoming {
            event_id: None,
            body: json!({"id": id}).to_string().into_bytes(),
            auth: IncomingAuth::Person("rhea".into()),
            reference: None,
        };
        self.engine.receive("small", incoming).await.unwrap();
    }

    /// Changes the database behind the engine's back; answers the rows changed.
    pub(crate) fn raw(&self, sql: &str) -> usize {
        let db = rusqlite::Connection::open(self.dir.path().join("tuesday.db")).unwrap();
        db.busy_timeout(Duration::from_secs(10)).unwrap();
        db.execute(sql, []).unwrap()
    }

    /// The key that its checkpoints are signed with.
    pub(crate) fn verifier(&self) -> &tuesday_domain::audit::VerifierKey {
        self.signer.verifier()
    }

    /// Names of the triggers that guard a table.
    pub(crate) fn triggers(&self, table: &str) -> Vec<String> {
        let db = rusqlite::Connection::open(self.dir.path().join("tuesday.db")).unwrap();
        let sql = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?1";
        let mut all = db.prepare(sql).unwrap();
        let names = all.query_map([table], |r| r.get(0)).unwrap();
        names.map(Result::unwrap).collect()
    }

    /// As [`Bench::raw`]; what the database refuses, in its words.
    pub(crate) fn try_raw(&self, sql: &str) -> Result<usize, String> {
        let db = rusqlite::Connection::open(self.dir.path().join("tuesday.db")).unwrap();
        db.busy_timeout(Duration::from_secs(10)).unwrap();
        db.execute(sql, []).map_err(|e| e.to_string())
    }

    /// The public key of the log.
    pub(crate) fn key(&self) -> tuesday_domain::audit::VerifierKey {
        self.signer.verifier().clone()
    }

    /// Whether the text stands in a file of the database.
    pub(crate) fn files_hold(&self, text: &str) -> bool {
        ["tuesday.db", "tuesday.db-wal"].iter().any(|name| {
            let bytes = std::fs::read(self.dir.path().join(name)).unwrap_or_default();
            bytes.windows(text.len()).any(|w| w == text.as_bytes())
        })
    }

    /// The newest task of the event's run.
    pub(crate) async fn task(&self, event: &str) -> tuesday_domain::record::Review {
        self.rest(event).await.reviews.pop().unwrap()
    }

    /// Waits until the run is over or with a person.
    pub(crate) async fn rest(&self, event: &str) -> Found {
        until(&format!("{event} comes to rest"), || async {
            let found = read_all(self.engine.reader()).await.remove(event)?;
            (!found.run.state.status.wants_job()).then_some(found)
        })
        .await
    }

    /// Stops the worker and checks the invariants.
    pub(crate) async fn end(self, worker: Worker) {
        until("everything is settled", || async {
            settled(self.engine.reader()).await.then_some(())
        })
        .await;
        worker.shut_down(Duration::from_secs(10)).await;
        self.engine.seal().await.unwrap();
        let vkey = self.signer.verifier().to_string();
        check(
            self.engine.reader(),
            &vkey,
            &HashMap::new(),
            &self.fakes.effects(),
        )
        .await;
    }
}

fn package(workflow: &str, input: &str, rules: &str) -> Package {
    let files = [
        ("workflow.toml", workflow),
        ("input.schema.json", input),
        ("output.schema.json", OUTPUT),
        ("rules.csv", rules),
        ("prompt.md", "Grade case {{ input.id }}."),
        ("runbook.md", "# Runbook\n\nNothing to do.\n"),
    ];
    Package::new(files.into_iter().map(|(n, t)| (n.to_owned(), t.to_owned())))
}

fn node(store: &Store, fakes: &Fakes, signer: &Arc<NoteSigner>, name: &str) -> Engine {
    Engine::new(
        store.clone(),
        fakes.ports(),
        Clock::offset(0),
        config(signer, name),
    )
}

fn config(signer: &Arc<NoteSigner>, name: &str) -> EngineConfig {
    EngineConfig {
        node: name.to_owned(),
        lease: Duration::from_secs(30),
        slots: 8,
        events_per_second: None,
        restored_at: None,
        retention: tuesday_domain::privacy::RetentionLimits::default(),
        public_url: String::new(),
        signer: Some(Arc::clone(signer)),
        checkpoint_file: None,
        fatal: Arc::new(|why| panic!("{why}")),
        space: None,
        least_free_percent: 10,
        crash: None,
    }
}

/// A record that is so many days old.
pub(crate) fn aged(days: i64, tier: &str) -> Value {
    let then = tuesday_domain::time::Timestamp::from_micros(
        Clock::System.now().micros() - days * 86_400_000_000,
    );
    json!({"id": "1", "tier": tier, "updated_at": then.rfc3339()})
}
