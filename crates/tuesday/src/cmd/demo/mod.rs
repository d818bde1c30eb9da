//! `tuesday demo`: an own instance with the four example packages, their records and a stub world.
//!
//! The demo is a client like any other: its records go over HTTP through the same intake, worker
//! and destinations as production work.

mod feed;
mod report;
mod world;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Scope;
use tuesday_engine::ops::{InstallOptions, NewToken};
use tuesday_store::InstanceKind;
use tuesday_web::WebConfig;

use super::serve::{Lock, Role, Running, SLOTS, bind, code, stopped};
use crate::cli::Common;
use crate::config::Home;
use crate::files::{EXAMPLES, example};
use crate::out::{self, unavailable};
use crate::wiring::{self, Opening};

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Leave once everything is settled and the log is verified
    #[arg(long)]
    exit: bool,
    /// How many records to push; all of them when left out
    #[arg(long)]
    runs: Option<usize>,
    /// Address of API and console
    #[arg(long, default_value = super::serve::LISTEN, value_name = "ADDR")]
    listen: String,
    /// Start with a clock that `tuesday clock` moves
    #[arg(long)]
    test_clock: bool,
}

/// Runs the demo.
pub(crate) async fn run(common: Common, args: DemoArgs) -> Result<ExitCode, Problem> {
    let started = Instant::now();
    let listener = bind(&args.listen).await?;
    let address = listener
        .local_addr()
        .map_err(|e| unavailable(e.to_string()))?;
    let home = home(&common)?;
    let world = world::World::start().await?;
    let public_url = format!("http://{address}");
    let lock = Lock::take(&home)?;
    let opening = Opening {
        slots: SLOTS,
        kind: InstanceKind::Test,
        test_clock: args.test_clock,
        public_url: public_url.clone(),
        create: true,
        name: None,
        crash_at: None,
    };
    let node = wiring::open(home, opening).await?;
    if node.instance.kind != InstanceKind::Test {
        return Err(Problem::new(
            "test_clock_live",
            format!("{} holds a real instance", node.home.dir.display()),
        )
        .way_out("give the demo a folder of its own"));
    }
    install(&node, &world).await?;
    // Rows in the queue table become runs too; they count towards the number that was asked for.
    let queued = world.seed(&node.home.dir, node.engine.now(), args.runs.map(|n| n / 4))?;
    let (config, link) = console(&public_url).await?;
    let running = Running::start(node, listener, config, Role::All, lock).await?;
    let token = token(&running).await?;
    let wanted = args.runs.map(|n| n.saturating_sub(queued));
    let pushed = feed::push(&public_url, &token, wanted, running.node.engine.now()).await?;
    feed::settle(&running.node).await?;
    running.node.engine.seal().await?;
    let mut summary = report::collect(&running.node, &pushed, started.elapsed()).await?;
    if args.exit {
        summary.verify(&running.node).await?;
        summary.print(common.json, None);
        running.stop().await;
        return Ok(ExitCode::from(u8::from(!summary.holds())));
    }
    summary.print(common.json, Some((&public_url, &link)));
    stopped().await;
    out::say("Stopping: no new work, running steps finish.");
    running.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// A folder of its own unless one is named.
fn home(common: &Common) -> Result<Home, Problem> {
    let mut home = Home::find(common)?;
    if common.dir.is_none() {
        let name = format!("tuesday-demo-{}", std::process::id());
        home.dir = std::env::temp_dir().join(name);
    }
    let dir: PathBuf = home.dir.clone();
    std::fs::create_dir_all(&dir)
        .map_err(|e| unavailable(format!("{}: {e}", dir.display())).field("dir"))?;
    home.dir = dir.canonicalize().unwrap_or(dir);
    home.database = common.database.clone();
    Ok(home)
}

async fn install(node: &wiring::Node, world: &world::World) -> Result<(), Problem> {
    let bar = out::progress(EXAMPLES.len() as u64, "Installing packages");
    for name in EXAMPLES {
        bar.set_message(format!("Installing {name}"));
        let package = example(name);
        let declared: BTreeMap<String, String> = package
            .definition(&BTreeMap::new())
            .map(|d| d.vars)
            .unwrap_or_default();
        let vars = world.vars(&declared);
        let options = InstallOptions {
            vars,
            test_instance: true,
        };
        node.engine
            .install(
                &package,
                options,
                &tuesday_domain::actor::Actor::Person("administrator".to_owned()),
            )
            .await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

async fn console(public_url: &str) -> Result<(WebConfig, String), Problem> {
    let mut config = WebConfig::new(public_url);
    let code = code()?;
    let first = example(EXAMPLES[0])
        .definition(&BTreeMap::new())
        .map_err(|f| Problem::new("package_faulty", f.message))?;
    config.sign_in_codes = HashMap::from([(code.clone(), first.owners.operator.handle)]);
    config.demo_people = true;
    Ok((config, format!("{public_url}/sign-in?code={code}")))
}

async fn token(running: &Running) -> Result<String, Problem> {
    let new = NewToken {
        scope: Scope::Trigger,
        workflow: None,
        person: None,
        life: Duration::from_secs(86_400),
    };
    let by = tuesday_domain::actor::Actor::Person("administrator".to_owned());
    running
        .node
        .engine
        .create_token(new, &by)
        .await
        .map(|(text, _)| text)
}
