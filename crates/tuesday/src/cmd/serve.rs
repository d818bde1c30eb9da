//! `tuesday serve`: API, console and worker on one node; several nodes share one PostgreSQL.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::net::TcpListener;
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Grant, Person};
use tuesday_engine::Worker;
use tuesday_store::InstanceKind;
use tuesday_web::{MetricsText, WebConfig};

use crate::cli::Common;
use crate::config::Home;
use crate::out::{self, unavailable};
use crate::skew;
use crate::wiring::{self, Node, Opening};

/// Where the console listens unless told otherwise.
pub(crate) const LISTEN: &str = "127.0.0.1:4321";
/// Runs worked on at once on a node.
pub(crate) const SLOTS: u32 = 512;
/// How long running work may take to finish when the node stops.
const GRACE: Duration = Duration::from_secs(20);
/// Between two times that samples of the metrics are added up.
const UPKEEP: Duration = Duration::from_secs(5);

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address of API and console
    #[arg(long, env = "TUESDAY_LISTEN", value_name = "ADDR")]
    listen: Option<String>,
    /// What this node does
    #[arg(long, value_enum, default_value_t = Role::All)]
    role: Role,
    /// Name of this node; stays the same over a restart. Default: host name and data folder
    #[arg(long, env = "TUESDAY_NODE", value_name = "NAME")]
    node: Option<String>,
    /// Start with a clock that `tuesday clock` moves; test instances only
    #[arg(long)]
    test_clock: bool,
    /// Make a new instance a test instance: its clock can be moved, labels are granted as asked
    #[arg(long)]
    test_instance: bool,
    /// Runs worked on at once on this node
    #[arg(long, default_value_t = SLOTS)]
    slots: u32,
    /// Test harness: die at this point
    #[arg(long, hide = true, env = "TUESDAY_CRASH_AT")]
    crash_at: Option<String>,
}

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Everything
    All,
    /// API and console
    Web,
    /// Works through runs
    Worker,
}

/// Serves until told to stop.
pub(crate) async fn run(common: Common, args: ServeArgs) -> Result<ExitCode, Problem> {
    let home = Home::find(&common)?;
    let listen = args
        .listen
        .clone()
        .or_else(|| home.file.listen.clone())
        .unwrap_or_else(|| LISTEN.to_owned());
    let listener = bind(&listen).await?;
    let address = listener
        .local_addr()
        .map_err(|e| unavailable(e.to_string()))?;
    let public_url = home
        .file
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{address}"));
    let kind = if args.test_instance || args.test_clock {
        InstanceKind::Test
    } else {
        InstanceKind::Real
    };
    let lock = Lock::take(&home)?;
    let name = args
        .node
        .clone()
        .or_else(|| home.file.node.clone())
        .unwrap_or_else(|| wiring::stable_name(&home));
    let opening = Opening {
        slots: if args.role == Role::Web {
            0
        } else {
            args.slots
        },
        kind,
        test_clock: args.test_clock,
        public_url: public_url.clone(),
        create: true,
        name: Some(name),
        crash_at: args.crash_at.clone(),
    };
    let node = wiring::open(home, opening).await?;
    skew::refuse(node.engine.reader()).await?;
    crate::folders::make(&node).await?;
    let mut config = WebConfig::new(&public_url);
    config.needs_worker = args.role != Role::Web;
    config.trusted_proxies = node.home.file.sign_in.trusted_proxies.clone();
    config.identity = crate::identity::provider(&node.home)?;
    let link = sign_in_link(&node, &mut config).await?;
    let workflows = node
        .engine
        .reader()
        .workflows()
        .await
        .map_err(|e| unavailable(e.to_string()))?
        .len();
    out::say(&format!(
        "tuesday {}: {} role, {workflows} workflows",
        env!("CARGO_PKG_VERSION"),
        format!("{:?}", args.role).to_lowercase()
    ));
    out::say(&format!("  Console   {public_url}"));
    if let Some(link) = link {
        out::say(&format!("  Sign in   {link} (works once)"));
    }
    if args.role != Role::Worker
        && let Some(link) = set_up_link(&node, &public_url).await?
    {
        out::say(&format!(
            "  Set up    {link} (the first administrator; works once, for three days)"
        ));
    }
    tokio::spawn(skew::watch(node.engine.reader().clone()));
    crate::heartbeat::start(&node.home, &node.engine)?;
    let stopped = stopped();
    let running = Running::start(node, listener, config, args.role, lock).await?;
    stopped.await;
    out::say("Stopping: no new work, running steps finish.");
    running.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// A node that serves.
pub(crate) struct Running {
    pub(crate) node: Node,
    worker: Option<Worker>,
    signs: Option<crate::signs::Signs>,
    web: tokio::task::JoinHandle<std::io::Result<()>>,
    stop: tokio_util::sync::CancellationToken,
    _lock: Option<Lock>,
}

impl Running {
    /// Starts worker and web.
    pub(crate) async fn start(
        node: Node,
        listener: TcpListener,
        mut config: WebConfig,
        role: Role,
        lock: Option<Lock>,
    ) -> Result<Self, Problem> {
        if lock.is_some() {
            // The one process of this database: whoever held leases before is gone.
            node.store
                .release_leases_of("")
                .await
                .map_err(|e| unavailable(e.to_string()))?;
        } else {
            take_back(&node).await?;
        }
        config.metrics = metrics_text();
        let signs = match role {
            Role::Web => None,
            Role::All | Role::Worker => Some(Box::pin(crate::signs::start(&node)).await?),
        };
        let worker = (role != Role::Web).then(|| Worker::start(&node.engine));
        let stop = tokio_util::sync::CancellationToken::new();
        let told = stop.clone();
        let router = tuesday_web::router(node.engine.clone(), config);
        let web = tokio::spawn(tuesday_web::serve(listener, router, async move {
            told.cancelled().await
        }));
        Ok(Self {
            node,
            worker,
            signs,
            web,
            stop,
            _lock: lock,
        })
    }

    /// Finishes what is running, then stops.
    pub(crate) async fn stop(self) {
        self.node.engine.stop_accepting();
        if let Some(worker) = self.worker {
            worker.shut_down(GRACE).await;
        }
        if let Some(signs) = self.signs {
            signs.stop(&self.node.engine).await;
        }
        let _ = self.node.engine.seal().await;
        self.stop.cancel();
        let _ = tokio::time::timeout(Duration::from_secs(5), self.web).await;
    }
}

/// Frees what the process that had this node's name before was working on. Its session may end a
/// moment after it, so two more looks follow.
async fn take_back(node: &Node) -> Result<(), Problem> {
    if !node.name.is_held() {
        return Ok(());
    }
    // This process has claimed nothing yet: what lies under its name is from the one before.
    node.store
        .release_leases_of(node.name.as_str())
        .await
        .map_err(|e| unavailable(e.to_string()))?;
    node.store
        .release_leases_of_the_gone(&node.name)
        .await
        .map_err(|e| unavailable(e.to_string()))?;
    let (store, name) = (node.store.clone(), Arc::clone(&node.name));
    tokio::spawn(async move {
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(700)).await;
            if let Err(e) = store.release_leases_of_the_gone(&name).await {
                tracing::warn!(error = %e, "leases of the process before were not freed; they run out");
            }
        }
    });
    Ok(())
}

/// The lock that keeps a second server off an embedded database.
pub(crate) struct Lock(#[expect(dead_code, reason = "held, not read")] std::fs::File);

impl Lock {
    pub(crate) fn take(home: &Home) -> Result<Option<Self>, Problem> {
        if home.database.is_some() {
            return Ok(None);
        }
        std::fs::create_dir_all(&home.dir)
            .map_err(|e| unavailable(format!("{}: {e}", home.dir.display())))?;
        let path = home.dir.join("serve.lock");
        let file = std::fs::File::create(&path)
            .map_err(|e| unavailable(format!("{}: {e}", path.display())))?;
        file.try_lock().map_err(|_| {
            unavailable(format!(
                "another server is running on {}",
                home.dir.display()
            ))
            .way_out("stop it, or use PostgreSQL for several nodes")
        })?;
        Ok(Some(Self(file)))
    }
}

/// Listens, or says in one line why not.
pub(crate) async fn bind(listen: &str) -> Result<TcpListener, Problem> {
    TcpListener::bind(listen).await.map_err(|e| {
        unavailable(format!("{listen}: {e}"))
            .field("listen")
            .way_out("choose another address with --listen")
    })
}

/// A link that signs the first operator in, for an instance that has workflows.
async fn sign_in_link(node: &Node, config: &mut WebConfig) -> Result<Option<String>, Problem> {
    let workflows = node
        .engine
        .reader()
        .workflows()
        .await
        .map_err(|e| unavailable(e.to_string()))?;
    let Some(first) = workflows.first() else {
        return Ok(None);
    };
    let code = code()?;
    config.sign_in_codes = HashMap::from([(code.clone(), first.owner.clone())]);
    Ok(Some(format!("{}/sign-in?code={code}", config.public_url)))
}

/// A link for the first administrator, as long as nobody who administers can sign in. There is no
/// password to begin with, so there is none to forget to change.
async fn set_up_link(node: &Node, public_url: &str) -> Result<Option<String>, Problem> {
    const HANDLE: &str = "administrator";
    let (engine, reader) = (&node.engine, node.engine.reader());
    let failed = |e: tuesday_store::ReadError| unavailable(e.to_string());
    let by = Actor::System("set_up");
    let reason = "first start";
    let mut found = false;
    for grant in reader.grants().await.map_err(failed)? {
        if grant.role == tuesday_domain::access::Role::Administrator {
            if grant.person != HANDLE
                || !reader.credentials(HANDLE).await.map_err(failed)?.is_empty()
            {
                return Ok(None);
            }
            found = true;
        }
    }
    let code = if found {
        engine.reset_sign_in(HANDLE, reason, &by).await?
    } else {
        let person = Person {
            handle: HANDLE.to_owned(),
            name: "Administrator".to_owned(),
            email: "administrator@localhost".to_owned(),
            active: true,
        };
        let code = engine.invite(person, reason, &by).await?;
        let role = tuesday_domain::access::Role::Administrator;
        engine
            .grant(Grant::new(HANDLE, role, None), reason, &by)
            .await?;
        code
    };
    Ok(Some(format!("{public_url}/sign-in?code={code}")))
}

/// 128 random bits in hex.
pub(crate) fn code() -> Result<String, Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| unavailable(format!("no randomness: {e}")))?;
    Ok(hex::encode(bytes))
}

fn metrics_text() -> Option<MetricsText> {
    let handle = PrometheusBuilder::new().install_recorder().ok()?;
    let upkeep = handle.clone();
    // Samples are kept one by one until somebody adds them up; nobody may ever ask for the metrics.
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
        }
    });
    Some(Arc::new(move || handle.render()))
}

/// Listens for Ctrl-C and SIGTERM from now on; completes when one comes. Called before anybody is
/// answered, so that a node that is stopped while it starts still ends in order.
pub(crate) fn stopped() -> impl Future<Output = ()> + Send + 'static {
    #[cfg(unix)]
    let (term, int) = {
        use tokio::signal::unix::{SignalKind, signal};
        (
            signal(SignalKind::terminate()).ok(),
            signal(SignalKind::interrupt()).ok(),
        )
    };
    async move {
        #[cfg(unix)]
        if let (Some(mut term), Some(mut int)) = (term, int) {
            tokio::select! {
                _ = int.recv() => {}
                _ = term.recv() => {}
            }
            return;
        }
        drop(tokio::signal::ctrl_c().await);
    }
}
