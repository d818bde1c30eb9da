//! A bundle of audit entries with their proofs, to verify elsewhere. Taking it is itself on record.

use std::io::{Error, Write};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::ExportQuery;

use super::audit::day;
use crate::auth::PostForm;
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

/// Largest bundle that a page hands out; the command line has no limit.
const MOST_BYTES: usize = 128 << 20;

/// A buffer that refuses to grow without end.
#[derive(Default)]
struct Buffer(Vec<u8>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > MOST_BYTES {
            return Err(Error::other(
                "the bundle is too large for a page; use `tuesday audit export`",
            ));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The bundle.
pub(crate) async fn bundle(State(app): State<App>, form: PostForm) -> Result<Response, PageError> {
    let key = app.engine.log_key().ok_or_else(|| {
        Problem::new("unavailable", "this node does not sign the log")
            .way_out("ask a node with the key, or use `tuesday audit export`")
    })?;
    let field = |name: &str| form.text(name).unwrap_or_default();
    let run = form.text("run").map(|t| query::id(&t)).transpose()?;
    let workflow = form.user.only(form.text("workflow"));
    if let Some(id) = run {
        let found = app.engine.reader().run(id).await?;
        let missing = || Problem::new("not_found", format!("there is no run {id}"));
        form.user.sees(&found.ok_or_else(missing)?.workflow)?;
    }
    match &workflow {
        Some(name) => form.user.sees(name)?,
        // What belongs to all workflows is for those who see all of them.
        None if run.is_none() && form.user.readable().is_some() => {
            return Err(Problem::new("bad_request", "say which workflow")
                .field("workflow")
                .into());
        }
        None => {}
    }
    let asked = ExportQuery {
        run,
        workflow: workflow.clone(),
        from: day("from", &field("from"), false)?,
        to: day("to", &field("to"), true)?,
        without_payloads: true,
    };
    let mut buffer = Buffer::default();
    let by = form.user.actor();
    Box::pin(app.engine.export(&asked, &by, &key, &mut buffer, |_, _| {})).await?;
    let name = run.map_or_else(
        || workflow.unwrap_or_else(|| "all".to_owned()),
        |r| r.to_string(),
    );
    let named = format!("attachment; filename=\"tuesday-{name}.bundle\"");
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, named),
    ];
    Ok((headers, buffer.0).into_response())
}
