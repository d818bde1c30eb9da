//! Where a package comes from for an evaluation, with its cases left on disk: they are read line by
//! line, so that memory does not grow with the pack.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tuesday_domain::definition::Package;
use tuesday_domain::eval::{Pack, PackReader, holds_cases};
use tuesday_domain::port::Model;
use tuesday_domain::problem::Problem;
use tuesday_engine::eval::{Graders, Trial};

use crate::args::{self, absent, stored};
use crate::cli::Common;
use crate::config::Home;
use crate::wiring::{self, Opening};
use crate::{files, out};

/// The table of a package that no instance runs.
const SHIPPED: &str = "rules.csv of the package";

/// A package whose cases are somewhere.
#[derive(Clone)]
pub(crate) struct Source {
    /// Everything but the cases.
    pub(crate) package: Package,
    /// Values laid over its variables.
    pub(crate) vars: BTreeMap<String, String>,
    /// The files of cases, in the order of their names.
    cases: Vec<(String, Cases)>,
    /// Hash of the release's texts; a trained model counts beside it.
    pub(crate) hash: [u8; 32],
    /// What people call it.
    pub(crate) title: String,
    /// Which decision table its cases are asked with.
    pub(crate) table: String,
}

#[derive(Clone)]
enum Cases {
    OnDisk(PathBuf),
    Text(String),
}

impl Source {
    /// A folder, a packed file, or the live release of an installed workflow.
    pub(crate) async fn find(common: &Common, what: &str, set: &[String]) -> Result<Self, Problem> {
        let path = Path::new(what);
        if path.is_dir() {
            return Self::folder(path, set);
        }
        if path.is_file() {
            let (package, vars) = files::read_package(path, set)?;
            return Self::packed(package, vars, what.to_owned());
        }
        let looks_like_path = what.contains(['/', '\\', '.']);
        if looks_like_path {
            return Err(nothing_at(what));
        }
        Self::installed(common, what, "live").await
    }

    /// What a candidate is compared with: a package, `live`, or a release id.
    pub(crate) async fn baseline(
        common: &Common,
        name: &str,
        candidate: &Self,
    ) -> Result<Self, Problem> {
        if Path::new(name).exists() {
            return Self::find(common, name, &[]).await;
        }
        let workflow = candidate
            .package
            .definition(&candidate.vars)
            .map_err(|f| Problem::new("package_faulty", f.message))?
            .workflow
            .name;
        Self::installed(common, &workflow, name).await
    }

    async fn installed(common: &Common, workflow: &str, which: &str) -> Result<Self, Problem> {
        let node = wiring::open(Home::find(common)?, Opening::default()).await?;
        let live = if which == "live" {
            node.engine.live(workflow).await?.1
        } else {
            let id = args::id(which, "baseline")?;
            let row = node.engine.reader().release(id).await.map_err(stored)?;
            if row.ok_or_else(|| absent(&id))?.workflow != workflow {
                return Err(Problem::new(
                    "bad_request",
                    format!("{which} is a release of another workflow"),
                )
                .field("baseline"));
            }
            node.engine.loaded(id).await?
        };
        let title = format!("{workflow} release {}", live.number);
        let vars = live.ready.def.vars.clone();
        let mut source = Self::packed(live.package.clone(), vars, title)?;
        // What is asked in production is the table in force, not the one the package came with.
        let rules = node.engine.live_rules(workflow).await?;
        source
            .package
            .files
            .insert("rules.csv".to_owned(), rules.csv);
        source.table = format!("rules version {}, in force", rules.version);
        Ok(source)
    }

    /// A package in memory, with the cases it carries.
    pub(crate) fn packed(
        mut package: Package,
        vars: BTreeMap<String, String>,
        title: String,
    ) -> Result<Self, Problem> {
        let all = vars_of(&package, &vars)?;
        let hash = package.release_hash(&all);
        let names: Vec<String> = package
            .files
            .keys()
            .filter(|n| holds_cases(n))
            .cloned()
            .collect();
        let cases = names
            .into_iter()
            .filter_map(|n| {
                let text = package.files.remove(&n)?;
                Some((n, Cases::Text(text)))
            })
            .collect();
        Ok(Self {
            package,
            vars,
            cases,
            hash,
            title,
            table: SHIPPED.to_owned(),
        })
    }

    fn folder(path: &Path, set: &[String]) -> Result<Self, Problem> {
        let (package, vars) = files::read_package_without(path, set, &holds_cases)?;
        let mut cases = Vec::new();
        let mut digests = BTreeMap::new();
        for name in files::names(&path.join("evals"))? {
            let (inner, file) = (format!("evals/{name}"), path.join("evals").join(&name));
            if holds_cases(&inner) {
                digests.insert(inner.clone(), digest(&file)?);
                cases.push((inner, Cases::OnDisk(file)));
            }
        }
        let all = vars_of(&package, &vars)?;
        let hash = package.release_hash_beside(&all, &digests);
        Ok(Self {
            package,
            vars,
            cases,
            hash,
            title: path.display().to_string(),
            table: SHIPPED.to_owned(),
        })
    }

    /// The same with another `workflow.toml`.
    pub(super) fn with_definition(&self, text: String, title: String) -> Result<Self, Problem> {
        let mut out = self.clone();
        let files = &mut out.package.files;
        files.insert("workflow.toml".to_owned(), text);
        out.hash = out.package.release_hash(&vars_of(&out.package, &out.vars)?);
        out.title = title;
        Ok(out)
    }

    /// Reads the pack once: hash, counts and faults.
    pub(crate) fn pack(&self) -> Result<Pack, Problem> {
        let mut reader = PackReader::of(&self.package, &vars_of(&self.package, &self.vars)?);
        self.each(|file, number, line| {
            reader.line(file, number, line);
        })?;
        Ok(reader.finish())
    }

    fn each(&self, mut take: impl FnMut(&str, u64, &str)) -> Result<(), Problem> {
        for line in self.lines() {
            let (file, number, text) = line?;
            take(file, number, &text);
        }
        Ok(())
    }

    /// Every line of every file of cases: name, number from 1, text.
    pub(crate) fn lines(
        &self,
    ) -> impl Iterator<Item = Result<(&str, u64, String), Problem>> + Send {
        self.cases.iter().flat_map(|(name, cases)| {
            let lines: Box<dyn Iterator<Item = Result<String, Problem>> + Send + '_> = match cases {
                Cases::Text(text) => Box::new(text.lines().map(|l| Ok(l.to_owned()))),
                Cases::OnDisk(path) => match std::fs::File::open(path) {
                    Ok(file) => Box::new(
                        BufReader::new(file)
                            .lines()
                            .map(|l| l.map_err(|e| unreadable(path, &e))),
                    ),
                    Err(e) => Box::new(std::iter::once(Err(unreadable(path, &e)))),
                },
            };
            lines
                .zip(1..)
                .map(move |(line, number)| line.map(|l| (name.as_str(), number, l)))
        })
    }

    /// Compiled for trials.
    pub(crate) async fn trial(&self, model: Arc<dyn Model>) -> Result<Trial, Problem> {
        Trial::new(&self.package, &self.vars, self.hash, model).await
    }

    /// The graders of its pack that ask a model; what they see is cleared as the release has it.
    pub(crate) fn graders(&self, trial: &Trial, model: Arc<dyn Model>) -> Arc<Graders> {
        Arc::new(Graders::of(&self.package, trial.shared(), model))
    }
}

/// All variables with their values: they are part of the release.
fn vars_of(
    package: &Package,
    vars: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Problem> {
    package.definition(vars).map(|d| d.vars).map_err(|f| {
        Problem::new("package_faulty", format!("{}: {}", f.file, f.message)).way_out(f.way_out)
    })
}

fn digest(path: &Path) -> Result<[u8; 32], Problem> {
    let mut file = std::fs::File::open(path).map_err(|e| unreadable(path, &e))?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer).map_err(|e| unreadable(path, &e))? {
            0 => return Ok(hash.finalize().into()),
            n => hash.update(&buffer[..n]),
        }
    }
}

fn unreadable(path: &Path, e: &std::io::Error) -> Problem {
    out::unavailable(format!("{}: {e}", path.display()))
}

fn nothing_at(what: &str) -> Problem {
    Problem::new("bad_request", format!("there is no package at {what}"))
        .field("what")
        .way_out("name a folder with a workflow.toml, a packed file, or an installed workflow")
}
