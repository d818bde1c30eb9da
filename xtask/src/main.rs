//! The chores of this repository as one small program: `cargo xtask COMMAND`.
//!
//! `.ci/run`, a contributor's laptop and a release all call the same commands, so "it passed
//! for me" and "it passed in CI" mean the same thing. It depends on as little as possible,
//! because it is compiled before anything else.

mod browser;
mod install;
mod new_migration;
mod postgres;
mod proc;
mod real_data;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

const USAGE: &str = "\
cargo xtask COMMAND

  test [--keep-going] [--only STEP]... [--list]   everything CI runs, in order
  tidy                                            sizes, crate edges, bans, docs that must match code
  real-data DIR                                   the four packages on the real data sets in DIR
  postgres [COMMAND...]                           a temporary PostgreSQL; runs COMMAND in it, or waits
  new-migration NAME                              the next migration, for SQLite and for PostgreSQL
  help                                            this text";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn dispatch(args: &[String]) -> Result<ExitCode> {
    let Some((command, rest)) = args.split_first() else {
        bail!("a command is needed\n\n{USAGE}");
    };
    let root = workspace::root()?;
    match command.as_str() {
        "test" => test::run(&root, rest),
        "tidy" => {
            no_arguments(command, rest)?;
            tidy::run(&root)
        }
        "real-data" => {
            let dir = one_argument(command, "DIR", rest)?;
            real_data::run(&root, dir.as_ref())
        }
        "postgres" => postgres::run(rest),
        "new-migration" => new_migration::run(&root, one_argument(command, "NAME", rest)?),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        other => bail!("there is no command `{other}`\n\n{USAGE}"),
    }
}

fn no_arguments(command: &str, rest: &[String]) -> Result<()> {
    match rest.first() {
        None => Ok(()),
        Some(extra) => bail!("`{command}` takes no argument, found `{extra}`"),
    }
}

fn one_argument<'a>(command: &str, what: &str, rest: &'a [String]) -> Result<&'a str> {
    let first = rest
        .first()
        .with_context(|| format!("`{command}` needs {what}"))?;
    no_arguments(command, &rest[1..])?;
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_command_is_refused_and_usage_shown() {
        let refused = dispatch(&["dance".to_owned()]).map_err(|e| e.to_string());
        assert!(
            matches!(&refused, Err(text) if text.contains("`dance`") && text.contains("new-migration"))
        );
    }

    #[test]
    fn a_surplus_argument_is_refused() {
        let args = ["a".to_owned(), "b".to_owned()];
        assert!(one_argument("real-data", "DIR", &args).is_err());
        assert_eq!(one_argument("real-data", "DIR", &args[..1]).ok(), Some("a"));
        assert!(one_argument("real-data", "DIR", &[]).is_err());
    }
}
