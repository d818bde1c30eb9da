//! What must hold of a release beside its cases, and may stop holding while it waits: its templates have
//! somebody who keeps them, a call of its model has a price.

use tuesday_domain::eval::{GateReason, Stopped};
use tuesday_domain::problem::Problem;

use crate::catalog::LiveRelease;
use crate::engine::Engine;

impl Engine {
    /// Why the release may not go on, as far as people and prices say it now.
    pub(super) async fn ungoverned(&self, release: &LiveRelease) -> Result<Vec<Stopped>, Problem> {
        let mut out = self.unkept_templates(release).await?;
        out.extend(self.unpriced(release));
        Ok(out)
    }

    /// A model without a price would spend what nobody can see. Built-in models cost nothing; a model that
    /// costs nothing says so with a price of 0.
    fn unpriced(&self, release: &LiveRelease) -> Option<Stopped> {
        let model = &release.ready.def.model;
        if model.kind.is_built_in() || self.token_price(&release.ready, self.now()).is_some() {
            return None;
        }
        let by = model.provider.as_deref().unwrap_or(model.kind.word());
        Some(Stopped {
            reason: GateReason::ModelUnpriced,
            detail: format!(
                "nobody knows what a call of {} by {by} costs: set its price with `tuesday cost set-prices`, or \
                 declare [model.price], 0 where it is free",
                model.pin
            ),
        })
    }
}
