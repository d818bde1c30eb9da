//! The four questions of compliance, answered from live settings: where secrets are, what data
//! leaves, who can call which tool, where the audit trail is.

mod egress;
mod report;

pub use egress::{Egress, EgressDays};
pub use report::{SecretPlace, SecurityReport, Tool, Trail, WorkflowSecurity};
