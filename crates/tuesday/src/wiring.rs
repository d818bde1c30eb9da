//! Builds store, adapters and engine from the configuration: the only place that knows all of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tuesday_connectors::destinations::Destinations;
use tuesday_connectors::feeds::Feeds;
use tuesday_connectors::mailbox::ImapMailbox;
use tuesday_connectors::models::Models;
use tuesday_connectors::net::{HostPolicy, Http, HttpOptions};
use tuesday_connectors::notifiers::{Channel, Notifiers};
use tuesday_connectors::secrets::SecretStore;
use tuesday_connectors::sources::Sources;
use tuesday_domain::actor::Actor;
use tuesday_domain::audit::{NoteSigner, VerifierKey};
use tuesday_domain::mailbox::Mailbox;
use tuesday_domain::port::{Ports, Secrets};
use tuesday_domain::problem::Problem;
use tuesday_engine::{Clock, Engine, EngineConfig};
use tuesday_store::{Config, Instance, InstanceKind, NodeName, OpenError, Store, Target};

use crate::cli::Common;
use crate::config::Home;
use crate::out::unavailable;

/// Everything a command works with.
pub(crate) struct Node {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) instance: Instance,
    pub(crate) home: Home,
    pub(crate) key: VerifierKey,
    /// Held for as long as the process serves.
    pub(crate) name: Arc<NodeName>,
}

/// How a node is opened.
pub(crate) struct Opening {
    /// Runs worked on at once; 0 for a command that only decides or reads.
    pub(crate) slots: u32,
    /// Kind of a new instance; an existing one keeps its own.
    pub(crate) kind: InstanceKind,
    /// Start with a clock that can be moved; test instances only.
    pub(crate) test_clock: bool,
    /// For links in notices.
    pub(crate) public_url: String,
    /// A database that is not there is made.
    pub(crate) create: bool,
    /// The name leases are held under; absent for a command that holds none for long.
    pub(crate) name: Option<String>,
    /// Test harness only: the point at which the process dies.
    pub(crate) crash_at: Option<String>,
}

impl Default for Opening {
    fn default() -> Self {
        Self {
            slots: 0,
            kind: InstanceKind::Real,
            test_clock: false,
            public_url: String::new(),
            create: false,
            name: None,
            crash_at: None,
        }
    }
}

/// Opens the instance that `home` names.
pub(crate) async fn open(home: Home, opening: Opening) -> Result<Node, Problem> {
    let config = target(&home, opening.create)?;
    let store = Store::open(&config).await.map_err(|e| open_problem(&e))?;
    let instance = instance(&store, opening.kind).await?;
    if opening.test_clock && instance.kind != InstanceKind::Test {
        return Err(Problem::new(
            "test_clock_live",
            "this is a real instance: its clock cannot be moved",
        )
        .way_out("use `tuesday demo --test-clock`"));
    }
    let (signer, key) = keys(&home.dir, &instance)?;
    let clock = if instance.kind == InstanceKind::Test {
        Clock::offset(instance.clock_offset)
    } else {
        Clock::System
    };
    let pid = std::process::id();
    let name = match &opening.name {
        Some(base) => store
            .take_name(base, &pid.to_string())
            .await
            .map_err(|e| open_problem(&e))?,
        None => NodeName::unheld(format!("{}-{pid}", hostname())),
    };
    let config = EngineConfig {
        node: name.as_str().to_owned(),
        lease: Duration::from_secs(30),
        slots: opening.slots,
        events_per_second: home.file.events_per_second,
        restored_at: instance.restored_at,
        retention: home.file.retention,
        public_url: opening.public_url,
        signer: signer.map(Arc::new),
        checkpoint_file: Some(
            home.file
                .checkpoints
                .clone()
                .unwrap_or_else(|| home.dir.join("checkpoints.txt")),
        ),
        fatal: Arc::new(die),
        space: Some(space_of(home.dir.clone())),
        least_free_percent: home.file.least_free_percent.unwrap_or(LEAST_FREE_PERCENT),
        crash: opening.crash_at.map(crash_hook),
    };
    let engine = Engine::new(store.clone(), ports(&home)?, clock, config);
    engine.load().await?;
    Ok(Node {
        engine,
        store,
        instance,
        home,
        key,
        name: Arc::new(name),
    })
}

/// The share of a volume that stays free where the configuration does not say, percent.
const LEAST_FREE_PERCENT: u8 = 10;

/// Free and all bytes of the volume a folder is on.
fn space_of(dir: PathBuf) -> tuesday_engine::Space {
    Arc::new(move || {
        let v = rustix::fs::statvfs(&dir).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(v.f_frsize);
        Some((bytes(v.f_bavail), bytes(v.f_blocks)))
    })
}

/// The person who acts on the command line: named by `--as`, otherwise the machine's administrator,
/// who may install and make tokens but is nobody's reviewer.
pub(crate) fn actor(common: &Common) -> Actor {
    common
        .acting
        .clone()
        .map_or_else(|| Actor::Person("administrator".to_owned()), Actor::Person)
}

/// The handle a decision is made under.
pub(crate) fn person(common: &Common) -> Result<String, Problem> {
    common.acting.clone().ok_or_else(|| {
        Problem::new("not_signed_in", "a decision is made by a named person")
            .field("as")
            .way_out("add --as HANDLE or set TUESDAY_AS")
    })
}

/// Where the data lives, as the store takes it.
pub(crate) fn target(home: &Home, create: bool) -> Result<Config, Problem> {
    if let Some(url) = &home.database {
        return Ok(Config::postgres(url.clone()));
    }
    let file = home.sqlite();
    if !create && !file.exists() {
        return Err(Problem::new("not_found", format!("there is no instance in {}", home.dir.display()))
            .way_out("name another folder with --dir, or start one with `tuesday serve` or `tuesday install`"));
    }
    std::fs::create_dir_all(&home.dir)
        .map_err(|e| unavailable(format!("{}: {e}", home.dir.display())))?;
    Ok(Config {
        target: Target::Sqlite(file.clone()),
        ..Config::sqlite(file)
    })
}

/// Why a database cannot be opened, with the way out.
pub(crate) fn open_problem(e: &OpenError) -> Problem {
    match e {
        OpenError::NewerSchema { .. } => {
            Problem::new("schema_newer", e.to_string()).way_out("use the newer program")
        }
        _ => unavailable(e.to_string()),
    }
}

async fn instance(store: &Store, kind: InstanceKind) -> Result<Instance, Problem> {
    if let Some(found) = store
        .reader()
        .instance()
        .await
        .map_err(|e| unavailable(e.to_string()))?
    {
        return Ok(found);
    }
    let id = hex::encode(random::<8>()?);
    let wanted = Instance {
        origin: format!("tuesday.local/{id}"),
        id,
        kind,
        created_at: Clock::System.now(),
        clock_offset: 0,
        restored_at: None,
    };
    store
        .init_instance(&wanted)
        .await
        .map_err(|e| unavailable(e.to_string()))
}

fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| unavailable(format!("no randomness: {e}")))?;
    Ok(bytes)
}

/// The log's key lives in a file of its own, never in the database. A node without it works, and
/// leaves sealing to the nodes that have it.
fn keys(dir: &Path, instance: &Instance) -> Result<(Option<NoteSigner>, VerifierKey), Problem> {
    let (secret, public) = (dir.join("audit.key"), dir.join("audit.vkey"));
    let cannot = |p: &Path, e: &dyn std::fmt::Display| unavailable(format!("{}: {e}", p.display()));
    if !secret.exists() && !public.exists() {
        std::fs::create_dir_all(dir).map_err(|e| cannot(dir, &e))?;
        write_private(&secret, &format!("{}\n", hex::encode(random::<32>()?)))?;
    }
    if secret.exists() {
        let text = std::fs::read_to_string(&secret).map_err(|e| cannot(&secret, &e))?;
        let mut seed = [0; 32];
        hex::decode_to_slice(text.trim(), &mut seed).map_err(|e| cannot(&secret, &e))?;
        let signer =
            NoteSigner::from_seed(&instance.origin, &seed).map_err(|e| cannot(&secret, &e))?;
        let key = signer.verifier().clone();
        std::fs::write(&public, format!("{key}\n")).map_err(|e| cannot(&public, &e))?;
        return Ok((Some(signer), key));
    }
    let text = std::fs::read_to_string(&public).map_err(|e| cannot(&public, &e))?;
    Ok((None, text.trim().parse().map_err(|e| cannot(&public, &e))?))
}

fn write_private(path: &Path, text: &str) -> Result<(), Problem> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options
        .open(path)
        .map_err(|e| unavailable(format!("{}: {e}", path.display())))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|e| unavailable(format!("{}: {e}", path.display())))
}

/// The guarded way out and the secrets of this folder.
pub(crate) fn outside(home: &Home) -> Result<(Http, Arc<dyn Secrets>), Problem> {
    let policy = HostPolicy::new(home.file.internal_hosts.clone());
    let http = Http::new(HttpOptions {
        policy,
        ..HttpOptions::default()
    })
    .map_err(unavailable)?;
    Ok((http, Arc::new(SecretStore::new(&home.dir))))
}

/// The mailbox for reports, where one is set up.
pub(crate) fn mailbox(
    home: &Home,
    secrets: &Arc<dyn Secrets>,
) -> Result<Option<ImapMailbox>, Problem> {
    let settings = home.file.reports.mail.clone();
    let made = settings.map(|s| ImapMailbox::new(s, Arc::clone(secrets)));
    made.transpose()
        .map_err(|e| Problem::new("bad_request", format!("[reports.mail]: {e}")).field("config"))
}

/// The adapters, over the configuration of this folder.
pub(crate) fn ports(home: &Home) -> Result<Ports, Problem> {
    let base: PathBuf = home.dir.clone();
    let (http, secrets) = outside(home)?;
    let channels = if home.file.notify.is_empty() {
        vec![Channel::File {
            path: "notices.jsonl".into(),
        }]
    } else {
        home.file.notify.clone()
    };
    let mailbox = mailbox(home, &secrets)?.map(|m| Arc::new(m) as Arc<dyn Mailbox>);
    Ok(Ports {
        mailbox,
        model: Arc::new(Models::new(http.clone(), Arc::clone(&secrets))),
        source: Arc::new(Sources::new(http.clone(), Arc::clone(&secrets), &base)),
        destination: Arc::new(Destinations::new(http.clone(), Arc::clone(&secrets), &base)),
        feed: Arc::new(Feeds::new(Arc::clone(&secrets), &base)),
        notifier: Arc::new(Notifiers::new(channels, http, Arc::clone(&secrets), &base)),
        secrets,
    })
}

/// A name that is the same after a restart: the machine and its data folder.
pub(crate) fn stable_name(home: &Home) -> String {
    let dir = std::path::absolute(&home.dir).unwrap_or_else(|_| home.dir.clone());
    format!("{}:{}", hostname(), dir.display())
}

fn hostname() -> String {
    std::fs::read_to_string("/etc/hostname")
        .map_or_else(|_| "node".to_owned(), |h| h.trim().to_owned())
}

/// The outcome of a commit is unknown: ending now and reading again is the only honest thing to do.
#[expect(
    clippy::disallowed_methods,
    reason = "fail-stop: nothing may run on after an unknown commit"
)]
fn die(why: &str) {
    crate::out::say(&format!(
        "error: {why}; the process ends so that the next start reads what is stored"
    ));
    std::process::exit(70);
}

fn crash_hook(at: String) -> tuesday_engine::CrashHook {
    // `name` dies the first time, `name:3` the third.
    let (name, nth) = at.split_once(':').map_or((at.clone(), 1), |(n, k)| {
        (n.to_owned(), k.parse().unwrap_or(1))
    });
    let seen = std::sync::atomic::AtomicU32::new(0);
    Arc::new(move |point| {
        if point.0 == name && seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1 == nth {
            std::process::abort();
        }
    })
}
