//! `tuesday cost`: prices, entered costs, the baseline by hand, spend limits, and what it all came to.

mod exit;
mod keep;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use tuesday_domain::problem::Problem;

use crate::cli::Common;
use crate::config::Home;
use crate::wiring::{self, Opening};

/// Arguments of `cost`.
#[derive(Debug, Args)]
pub(crate) struct CostArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// What it cost by kind, divided by workflow, release, tier, group, week, day or bucket
    Report(ReportOf),
    /// The same days at another volume: calls by a table of prices and review grow, what was entered stays
    Forecast {
        /// The workflow
        #[arg(long)]
        workflow: String,
        /// How many times the volume, such as 10x or 2.5x
        #[arg(long, default_value = "10x", value_name = "Nx")]
        volume: String,
        /// By the prices of this CSV file alone, which are tried and not set; - for standard input
        #[arg(long, value_name = "FILE")]
        prices: Option<PathBuf>,
        #[command(flatten)]
        span: Span,
    },
    /// Enter a cost: money, or minutes of a person
    Add(Add),
    /// Enter every cost of a CSV file; those whose reference is known are left out
    Import {
        /// The file, or - for standard input
        file: PathBuf,
    },
    /// Entered costs, the latest day first
    List {
        /// Of this workflow
        #[arg(long)]
        workflow: Option<String>,
        #[command(flatten)]
        span: Span,
    },
    /// Take an entered cost back with another entry
    Reverse {
        /// The entry
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// What tokens and hours cost, every version
    Prices,
    /// Set prices from a CSV file: kind,name,currency,input_per_million,output_per_million,per_hour,from
    SetPrices {
        /// The file, or - for standard input
        file: PathBuf,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// How the work was by hand; without arguments besides the workflow, what is kept
    Baseline(Baseline),
    /// What leaving each vendor would take: what is bound, a tested alternative, days
    Exit(ExitOf),
    /// How much a workflow may spend on its model; without an amount, where it stands
    Limit(Limit),
}

/// A span of days.
#[derive(Debug, Args)]
struct Span {
    /// First day, YYYY-MM-DD; 28 days back unless given
    #[arg(long, value_name = "D")]
    from: Option<String>,
    /// Last day, included
    #[arg(long, value_name = "D")]
    to: Option<String>,
}

#[derive(Debug, Args)]
struct ReportOf {
    /// Of this workflow; all of them unless given
    #[arg(long)]
    workflow: Option<String>,
    /// category (the six kinds, as every report has them), workflow, release, tier, group, week, day or bucket
    #[arg(long, default_value = "category", value_name = "BY")]
    by: String,
    #[command(flatten)]
    span: Span,
    /// As CSV, in millionths of each currency
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

#[derive(Debug, Args)]
struct Add {
    /// infrastructure, review, maintenance, support or exit
    category: String,
    /// The workflow; left out for what several share
    #[arg(long)]
    workflow: Option<String>,
    /// The day, or the first of several it is spread over
    #[arg(long, value_name = "D")]
    day: String,
    /// The last of several days
    #[arg(long, value_name = "D")]
    to: Option<String>,
    /// Money, such as 120.50
    #[arg(long, conflicts_with = "minutes")]
    amount: Option<String>,
    /// Currency of the amount, such as EUR
    #[arg(long, requires = "amount")]
    currency: Option<String>,
    /// Minutes of a person
    #[arg(long)]
    minutes: Option<String>,
    /// Whose minutes
    #[arg(long, value_name = "WHO")]
    person: Option<String>,
    /// Who is paid
    #[arg(long)]
    vendor: Option<String>,
    /// spine, first_workflow, human_loop or second_use_case
    #[arg(long)]
    bucket: Option<String>,
    /// What for
    #[arg(long)]
    words: String,
    /// Number of the invoice or time sheet; the same one counts once
    #[arg(long)]
    reference: Option<String>,
}

#[derive(Debug, Args)]
struct Baseline {
    /// The workflow
    #[arg(long)]
    workflow: String,
    /// Tasks in the sample
    #[arg(long, requires_all = ["minutes", "errors", "turnaround", "method", "from"])]
    sample: Option<u64>,
    /// Minutes of work in all of them together, such as 212.5
    #[arg(long)]
    minutes: Option<String>,
    /// How many were wrong in the end
    #[arg(long)]
    errors: Option<u64>,
    /// Median time from receipt to result, such as 4h
    #[arg(long, value_name = "SPAN")]
    turnaround: Option<String>,
    /// How it was measured
    #[arg(long)]
    method: Option<String>,
    /// First day of the sample
    #[arg(long, value_name = "D")]
    from: Option<String>,
    /// Last day; the first unless given
    #[arg(long, value_name = "D")]
    to: Option<String>,
}

#[derive(Debug, Args)]
struct Limit {
    /// The workflow
    #[arg(long)]
    workflow: String,
    /// No call starts that could pass this, such as 50.00
    #[arg(long, value_name = "AMOUNT", requires_all = ["currency", "reason"])]
    stop: Option<String>,
    /// The owner is told from here on
    #[arg(long, value_name = "AMOUNT", requires = "stop")]
    warn: Option<String>,
    /// Currency of both
    #[arg(long)]
    currency: Option<String>,
    /// day or month
    #[arg(long, default_value = "day")]
    per: String,
    /// What happens at the limit: hold or pause
    #[arg(long, default_value = "hold", value_name = "ACT")]
    then: String,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, Args)]
struct ExitOf {
    /// The workflow
    workflow: String,
    /// Say how many days leaving this vendor would take
    #[arg(long, requires_all = ["days", "reason"])]
    vendor: Option<String>,
    /// Days of work, such as 12.5
    #[arg(long, value_name = "N", requires = "vendor")]
    days: Option<String>,
    /// Why
    #[arg(long, requires = "vendor")]
    reason: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: CostArgs) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let engine = &node.engine;
    match args.act {
        Act::Report(of) => report::report(&common, engine, of).await?,
        Act::Forecast {
            workflow,
            volume,
            prices,
            span,
        } => {
            let prices = prices.as_deref();
            report::forecast(&common, engine, &workflow, (&volume, prices), span).await?;
        }
        Act::Add(add) => keep::add(&common, engine, add).await?,
        Act::Import { file } => keep::import(&common, engine, &file).await?,
        Act::List { workflow, span } => keep::list(&common, engine, workflow, span).await?,
        Act::Reverse { id, reason } => keep::reverse(&common, engine, &id, &reason).await?,
        Act::Prices => keep::prices(&common, engine).await?,
        Act::SetPrices { file, reason } => {
            keep::set_prices(&common, engine, &file, &reason).await?;
        }
        Act::Baseline(b) => keep::baseline(&common, engine, b).await?,
        Act::Exit(of) => exit::exit(&common, engine, of).await?,
        Act::Limit(l) => keep::limit(&common, engine, l).await?,
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) use report::{misjudged, value};
