//! `tuesday eval` and `tuesday gate`: a package's pack against its model, case by case, and the one
//! named result. Nothing is written but the files that were asked for; no instance is needed.

mod add;
mod drill;
mod gate;
mod graders;
mod html;
mod print;
mod results;
mod run;
mod source;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tuesday_domain::problem::Problem;

use crate::cli::Common;

pub(crate) use gate::{GateArgs, run as gate};
pub(crate) use print::graders as told_graders;
pub(crate) use run::{Asked, evaluate};
pub(crate) use source::Source;

/// Arguments of `eval`.
#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    #[command(flatten)]
    which: Which,
    /// With `eval graders`: the package, packed file or workflow whose graders are held against people
    #[arg(value_name = "OF")]
    of: Option<String>,
    /// Compare case by case with this: a package, a release id, or `live`
    #[arg(long, value_name = "RELEASE")]
    baseline: Option<String>,
    /// Try the pack with the section [model] of this file beside the model that is there: what another provider would come to
    #[arg(long, value_name = "FILE", conflicts_with_all = ["baseline", "resume"])]
    provider: Option<PathBuf>,
    /// With --provider: keep what came of it for `tuesday cost exit`
    #[arg(long, requires = "provider", conflicts_with_all = ["recorded", "set"])]
    keep: bool,
    /// Write JUnit XML for a CI system
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write a page for people
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Store each result as it comes, one JSON object a line
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// Go on where the file of --results stopped
    #[arg(long, requires = "results")]
    resume: bool,
    /// Keep what the model answers in this file, for --recorded
    #[arg(long, value_name = "FILE", conflicts_with_all = ["recorded", "resume"])]
    record: Option<PathBuf>,
    /// Ask a model that is pinned with temperature 0 only what this file does not know yet
    #[arg(long, value_name = "FILE", conflicts_with_all = ["recorded", "record"])]
    cache: Option<PathBuf>,
    /// With `eval add`: make a case of this run, personal data taken out
    #[arg(long, value_name = "RUN")]
    from_run: Option<String>,
    /// With `eval add`: what the case is for
    #[arg(long, value_name = "KIND", default_value = "regression")]
    kind: String,
    /// With `eval add`: what must come of it, as JSON; what people approved when left out
    #[arg(long, value_name = "JSON")]
    expect: Option<String>,
    /// With `eval add`: append the case to this file of the pack
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// What is evaluated, and how; the same for `eval` and `gate`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Which {
    /// Package folder, packed file, or the name of an installed workflow
    what: String,
    /// Try each case this often; the pack may ask for more
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeat: u32,
    /// Cases under way at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    concurrency: Option<u32>,
    /// Answer from this file of recorded answers and ask nobody: the gate of a release does not pass so
    #[arg(long, value_name = "FILE")]
    recorded: Option<PathBuf>,
    /// Value of a variable of the package: NAME=VALUE
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
}

/// Evaluates and prints; exit 1 when the pack or a case stops a release.
pub(crate) async fn run(common: Common, args: EvalArgs) -> Result<ExitCode, Problem> {
    if let Some(run) = &args.from_run {
        let asked = add::Asked {
            run,
            kind: &args.kind,
            expect: args.expect.as_deref(),
            to: args.to.as_deref(),
        };
        return add::run(&common, &args.which.what, asked).await;
    }
    if let Some(of) = &args.of {
        return graders::run(&common, &args, of).await;
    }
    let source = Source::find(&common, &args.which.what, &args.which.set).await?;
    if let Some(file) = args.provider.clone() {
        return provider(&common, args, source, &file).await;
    }
    let baseline = match &args.baseline {
        Some(name) => Some(Source::baseline(&common, name, &source).await?),
        None => None,
    };
    let asked = Asked {
        repeat: args.which.repeat,
        concurrency: args.which.concurrency,
        junit: args.junit,
        results: args.results,
        resume: args.resume,
        baseline,
        record: args.record,
        cache: args.cache,
        recorded: args.which.recorded,
        tries_only: true,
    };
    let done = evaluate(&common, &source, asked).await?;
    let verdict = done.verdict(&[]);
    if let Some(file) = &args.html {
        html::write(file, &done, &verdict)?;
    }
    print::evaluation(&common, &done, &verdict);
    Ok(ExitCode::from(u8::from(!verdict.passed)))
}

/// The pack with the model of another provider; exit 0 when the trial itself came about, whatever it says.
async fn provider(
    common: &Common,
    args: EvalArgs,
    live: Source,
    file: &std::path::Path,
) -> Result<ExitCode, Problem> {
    let workflow = args.which.what.clone();
    if args.keep && std::path::Path::new(&workflow).exists() {
        let words = "only what an installed workflow came to is kept";
        return Err(Problem::new("bad_request", words)
            .field("keep")
            .way_out("name the workflow instead of a package"));
    }
    let other = drill::swapped(&live, file)?;
    let asked = Asked {
        repeat: args.which.repeat,
        concurrency: args.which.concurrency,
        junit: args.junit,
        results: args.results,
        baseline: Some(live.clone()),
        record: args.record,
        cache: args.cache,
        recorded: args.which.recorded,
        tries_only: true,
        ..Asked::default()
    };
    let done = evaluate(common, &other, asked).await?;
    let drill = drill::drilled(&live, &other, &done)?;
    if let Some(file) = &args.html {
        html::write(file, &done, &done.verdict(&[]))?;
    }
    if common.json {
        crate::out::json_line(&drill.value());
    } else {
        print::evaluation(common, &done, &done.verdict(&[]));
        drill.tell();
    }
    if args.keep {
        drill.keep(common, &workflow).await?;
    }
    Ok(ExitCode::SUCCESS)
}
