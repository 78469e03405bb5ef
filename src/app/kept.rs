//! Wishes about what is kept of a project: record, state document, history of the lock.

use std::sync::Arc;

use crate::app::command::Ticket;
use crate::app::desk::Desk;
use crate::app::failure::Failure;
use crate::app::notice::{End, Notice};
use crate::app::workshop::{Need, Workshop};
use crate::domain::record::Record;
use crate::engine::reconcile::Reconcile;

pub(super) async fn lock_history<W: Workshop>(
    desk: &Desk<'_, W>,
    ticket: Ticket,
) -> Result<End, Failure> {
    let project = desk.known()?;
    let engine = desk.engine(&project, Need::Store).await?;
    let history = Arc::new(engine.lock_history(&project).await?);
    desk.send(Notice::LockHistory { ticket, history }).await;
    Ok(End::Plain)
}

pub(super) async fn record<W: Workshop>(
    desk: &Desk<'_, W>,
    ticket: Ticket,
) -> Result<End, Failure> {
    let project = desk.known()?;
    let engine = desk.engine(&project, Need::Store).await?;
    let record = engine.record(&project).await?.map(Arc::new);
    desk.send(Notice::Record { ticket, record }).await;
    Ok(End::Plain)
}

pub(super) async fn stored<W: Workshop>(
    desk: &Desk<'_, W>,
    ticket: Ticket,
) -> Result<End, Failure> {
    let project = desk.project()?;
    let engine = desk.engine(&project, Need::Store).await?;
    let report = Arc::new(engine.stored(&project).await?);
    desk.send(Notice::Stored { ticket, report }).await;
    Ok(End::Plain)
}

pub(super) async fn rebuild<W: Workshop>(
    desk: &Desk<'_, W>,
    ticket: Ticket,
) -> Result<End, Failure> {
    let project = desk.project()?;
    let engine = desk.engine(&project, Need::Platform).await?;
    let record = Some(Arc::new(engine.rebuild(&project).await?));
    desk.send(Notice::Record { ticket, record }).await;
    Ok(End::Plain)
}

pub(super) async fn push<W: Workshop>(
    desk: &Desk<'_, W>,
    ticket: Ticket,
    record: &Record,
    force: bool,
) -> Result<End, Failure> {
    let project = desk.project()?;
    let engine = desk.engine(&project, Need::Store).await?;
    let record = Some(Arc::new(engine.push(&project, record, force).await?));
    desk.send(Notice::Record { ticket, record }).await;
    Ok(End::Plain)
}
