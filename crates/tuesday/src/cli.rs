//! The command tree. Each variant's arguments live with the command in `cmd/`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{Args, Parser, Subcommand};
use tuesday_domain::problem::Problem;

use crate::{cmd, out};

/// Run one AI step as a production workflow: queued, checked, reviewed, written back, recorded.
#[derive(Debug, Parser)]
#[command(name = "tuesday", version, max_term_width = 100, help_template = HELP, before_help = GROUPS, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const HELP: &str =
    "{about}\n\n{usage-heading} {usage}\n\n{before-help}Options:\n{options}{after-help}";

/// The commands by what they are for. clap has no headings for subcommands; a test keeps this whole.
const GROUPS: &str = "\
Try it     demo          the four example packages with stub systems; start here
           init          a package of your own, then check and install it

Work       run           start, show, list, retry, cancel, replay
           rerun         an ended run again: other inputs, another release, or without effect
           writeback     show, compensate: one write in full; put back what it had overwritten
           review        the queue: list, show, claim, approve, edit, reject, escalate, reassign, settle, seed
           intake        refused events: list, show, resubmit
           trigger       backfill: what a schedule missed
           incident      what is wrong, who is on it, what it touched, how it was put right
           alerts        kinds with their runbooks, channels with their last success, a test
           problem       reports about outputs: report, list, show, mails, tie, triage
           postmortem    list, show, open, answer, close, causes: why a workflow stopped
           follow-up     list, add, done, drop: what somebody has to do after it
           handoffs      everything that is with one person
           policy        list, changed, duties, answer: who keeps templates, what a new policy asks for
           batch         one day of one workflow
           reconstruct   the whole story of one run
           report        oversight, overrides, value, adoption: whether people really look, and use it
           cost          report, forecast, exit, add, import, list, reverse, prices, baseline, limit
           capacity      show, set, ease, whatif: whether people keep up, and what would be if
           drift         show, baseline, close, calibration: whether the mix of outcomes stays what it was,
                         and whether confidence comes true;
                         repo: whether what is live is what the repository holds
           changes       who changed what in rules, people, releases and settings

Change     check         every fault of a package
           pack          a package as one file
           eval          a package's cases against its model, with figures and a comparison
           gate          one result over check, lint, evals and simulation; 1 unless all pass
           install       a package becomes the live release
           rules         show, check, history
           release       create, eval, clear, approve, withdraw, promote, rollback, compare, verify, export, list, show
           workflow      list, show, map, stage, pause, resume, kill, restrict, manual-fallback, retire,
                         decide, decisions, label, priority, schema
           decision      new, list, show: what becomes of a workflow, on evidence that can be opened
           charter       show, check, set, sign, history: the one page, from live records
           readiness     quiz, rank, checklist, handoff, audit, signals, next, friday, first-shift, other lists
           pilot         evidence, steps, go-live, mistakes, claim, hidden-cost, skip, answer: what a pilot shows
           training      show, record: who has learnt to decide
           turnover      start, show, sign, call-off: days without the builder, graded from the log
           signal        what is said about outputs afterwards: post, list

Prove      audit         verify, export, checkpoint, verify-bundle

Operate    serve         API, console and worker
           user          invite, list, show, grant, revoke, deactivate, activate, away, passwd-reset
           security      matrix, access-review, report, tools, egress, retention
           erase         plan, apply, list: what is kept about a customer, a record or a run
           hold          place, lift, list: what must not be erased
           token         create, list, revoke
           secret        check
           connector     test: does a destination keep what its class promises
           doctor        what is in order and what is not
           migrate       the schema
           backup        a copy of the embedded database
           export        everything as plain files, one file, or pages that a browser opens; the log with its proofs
           import        an export becomes a new instance, paused
           restore       put a copy back: everything paused, nothing sent without a look

Test       stub          stand-ins with ledgers
           clock         show, set, advance
           bench         speed of the main job against this machine's own floor

Also       completions version help

tuesday COMMAND --help says more about each.";

const EXIT_CODES: &str = "Exit codes: 0 done, 1 a check or gate failed, 2 bad input, 3 refused by policy, 4 not found, 5 unavailable.
Start here: tuesday demo";

/// What every command understands.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// Folder of the embedded database (DIR/tuesday.db), its keys and files
    #[arg(long, global = true, env = "TUESDAY_DIR", value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// PostgreSQL instead of the embedded database: postgres://user@host/name
    #[arg(
        long,
        global = true,
        env = "TUESDAY_DATABASE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) database: Option<String>,
    /// Configuration file; flags and TUESDAY_* variables win over it
    #[arg(long, global = true, env = "TUESDAY_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One JSON object, or one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Who acts, by handle, for commands that change something
    #[arg(long = "as", global = true, env = "TUESDAY_AS", value_name = "HANDLE")]
    pub(crate) acting: Option<String>,
    /// Log more (repeat for more)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// The commands; the same order as in [`GROUPS`].
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The four example packages on an own instance, with stub destinations
    Demo(cmd::demo::DemoArgs),
    /// Start a package of your own
    Init(cmd::init::InitArgs),
    /// Explain every fault of a package
    Check(cmd::check::CheckArgs),
    /// A package folder as one file
    Pack(cmd::pack::PackArgs),
    /// Try every case of a package's eval pack
    Eval(cmd::eval::EvalArgs),
    /// One named result that says whether a package may go live
    Gate(cmd::eval::GateArgs),
    /// Install a package folder or file
    Install(cmd::install::InstallArgs),
    /// API, console and worker
    Serve(cmd::serve::ServeArgs),
    /// Start, show, list, repeat and take back runs
    Run(cmd::run::RunArgs),
    /// Repeat an ended run as a new one that names it
    Rerun(cmd::rerun::RerunArgs),
    /// Put back what an action had overwritten
    Writeback(cmd::writeback::WritebackArgs),
    /// Whether people really look, what they changed, what it is worth
    Report(cmd::report::ReportArgs),
    /// Prices, entered costs, the baseline by hand, spend limits, and what it all came to
    Cost(cmd::cost::CostArgs),
    /// Whether people keep up, whose hours there are, and what would be if
    Capacity(cmd::capacity::CapacityArgs),
    /// Whether the mix of outcomes stays what it was, and what changed around a finding
    Drift(cmd::drift::DriftArgs),
    /// Who changed what in rules, people, releases and settings
    Changes(cmd::report::ChangesArgs),
    /// The whole story of one run
    Reconstruct(cmd::reconstruct::ReconstructArgs),
    /// What people say about outputs, and the answers
    Problem(cmd::problem::ProblemArgs),
    /// Who keeps what embodies a policy, that one changed, and what is owed since
    Policy(cmd::policy::PolicyArgs),
    /// What is wrong, who is on it, what it touched, how it was put right
    Incident(cmd::incident::IncidentArgs),
    /// Kinds of alerts, how the channels do, and a test
    Alerts(cmd::alerts::AlertsArgs),
    /// One day of one workflow, with totals that add up
    Batch(cmd::batch::BatchArgs),
    /// The queue, and every decision a person makes
    Review(cmd::review::ReviewArgs),
    /// Events that were refused, and sending them again
    Intake(cmd::intake::IntakeArgs),
    /// What a schedule missed, started after all
    Trigger(cmd::trigger::TriggerArgs),
    /// The decision table in words, its faults, its versions
    Rules(cmd::rules::RulesArgs),
    /// Releases and their parts
    Release(cmd::release::ReleaseArgs),
    /// What is installed: map, stage, pause, resume, kill, priority, schema
    Workflow(cmd::workflow::WorkflowArgs),
    /// The one-page charter: its fields, what is blank, stating and signing them
    Charter(cmd::charter::CharterArgs),
    /// Lists of what a workflow needs, with their evidence
    Readiness(cmd::charter::ReadinessArgs),
    /// Who has learnt to decide
    Training(cmd::charter::TrainingArgs),
    /// What a pilot has shown, its steps, and the questions of going live
    Pilot(cmd::pilot::PilotArgs),
    /// The test without the builder: start, show, sign, call-off
    Turnover(cmd::turnover::TurnoverArgs),
    /// What was decided about a workflow, on which evidence: new, list, show
    Decision(cmd::decision::DecisionArgs),
    /// Why a workflow stopped: list, show, open, answer, close, causes
    Postmortem(cmd::postmortem::PostmortemArgs),
    /// What somebody has to do after an incident or a stop: list, add, done, drop
    FollowUp(cmd::follow_up::FollowUpArgs),
    /// Everything that is with one person
    Handoffs(cmd::handoffs::HandoffsArgs),
    /// What is said about outputs afterwards: complaints, flags, outcomes
    Signal(cmd::signal::SignalArgs),
    /// The audit log: verify, export, checkpoint
    Audit(cmd::audit::AuditArgs),
    /// People, their roles and their links
    User(cmd::user::UserArgs),
    /// Who may do what, and who has not used it
    Security(cmd::security::SecurityArgs),
    /// What is kept about a customer, a record or a run, taken away for good
    Erase(cmd::erase::EraseArgs),
    /// Legal holds: what must not be erased
    Hold(cmd::hold::HoldArgs),
    /// API tokens
    Token(cmd::token::TokenArgs),
    /// Whether every secret reference leads to a value
    Secret(cmd::secret::SecretArgs),
    /// Whether a destination keeps what the package says about it
    Connector(cmd::connector::ConnectorArgs),
    /// What is in order and what is not, with the way out
    Doctor(cmd::doctor::DoctorArgs),
    /// Bring the schema up to date
    Migrate(cmd::migrate::MigrateArgs),
    /// A consistent copy of the embedded database
    Backup(cmd::backup::BackupArgs),
    /// Everything as plain files that open without the program
    Export(cmd::export::ExportArgs),
    /// An export becomes a new instance, paused, that tells the same stories
    Import(cmd::import::ImportArgs),
    /// Put a copy back, paused, so that nothing is sent twice
    Restore(cmd::restore::RestoreArgs),
    /// Stand-ins for models, CRM, mail and tickets, with ledgers
    Stub(cmd::stub::StubArgs),
    /// The clock of a test instance
    Clock(cmd::clock::ClockArgs),
    /// A completion script for a shell
    Completions(cmd::completions::CompletionsArgs),
    /// The version, and what it is built on
    Version(cmd::completions::VersionArgs),
    /// Throughput and latency beside the floor of this machine
    Bench(cmd::bench::BenchArgs),
    /// The main job on real data sets that lie in a folder
    #[command(hide = true)]
    RealData(cmd::real_data::RealDataArgs),
}

/// What clap has to say: help and version as they are, a mistake in the form every mistake has.
pub(crate) fn refused(
    e: &clap::Error,
    mut args: impl Iterator<Item = std::ffi::OsString>,
) -> ExitCode {
    let json = args.any(|a| a == "--json");
    if !e.use_stderr() || !json {
        // A terminal that went away cannot be told anything.
        let _ = e.print();
        return ExitCode::from(u8::try_from(e.exit_code()).unwrap_or(2));
    }
    let text = e.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    let detail = lines.next().unwrap_or("the command line cannot be read");
    let field = match e.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(arg)) => Some(arg.clone()),
        Some(ContextValue::Strings(args)) => args.first().cloned(),
        _ => None,
    };
    let mut problem = Problem::new("bad_request", detail.trim_start_matches("error: "))
        .way_out("see the same command with --help");
    problem.field = field;
    out::failure(true, &problem);
    ExitCode::from(problem.exit())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_tree_is_sound_and_every_command_stands_under_a_heading() {
        Cli::command().debug_assert();
        let mut tree = Cli::command();
        tree.build();
        let words: Vec<&str> = GROUPS.split_whitespace().collect();
        for command in tree
            .get_subcommands()
            .filter(|c| c.get_name() != "help" && !c.is_hide_set())
        {
            assert!(
                words.contains(&command.get_name()),
                "{} stands under no heading",
                command.get_name()
            );
        }
    }
}
