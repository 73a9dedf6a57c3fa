//! Who depends on whom: names become numbers, and the numbers an order.

use super::ChildId;
use crate::BuildError;

/// A child's name and those it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) name: String,
    /// Must run before it starts.
    pub(crate) depends_on: Vec<String>,
    /// Must run before it starts; and whenever one of them ends, this child is restarted with it.
    pub(crate) restarts_with: Vec<String>,
}

/// The same, resolved. `depends_on` includes `restarts_with`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Links {
    pub(super) depends_on: Vec<ChildId>,
    pub(super) restarts_with: Vec<ChildId>,
}

/// Resolves the names of all children.
pub(super) fn resolve(children: &[Names]) -> Result<Vec<Links>, BuildError> {
    for (at, child) in children.iter().enumerate() {
        if children[..at].iter().any(|other| other.name == child.name) {
            return Err(BuildError::Duplicate { actor: child.name.clone() });
        }
    }
    children.iter().map(|child| links(children, child)).collect()
}

/// Resolves the names of one child more.
pub(super) fn resolve_one(children: &[Names], child: &Names) -> Result<Links, BuildError> {
    if children.iter().any(|other| other.name == child.name) {
        return Err(BuildError::Duplicate { actor: child.name.clone() });
    }
    if child.depends_on.iter().chain(&child.restarts_with).any(|name| *name == child.name) {
        return Err(BuildError::Cycle { actors: vec![child.name.clone(), child.name.clone()] });
    }
    links(children, child)
}

fn links(children: &[Names], child: &Names) -> Result<Links, BuildError> {
    if child.name.is_empty() {
        return Err(BuildError::Invalid { actor: String::new(), what: "it has no name" });
    }
    let find = |name: &String| {
        // A child that was forgotten has no name any more.
        let found = children.iter().position(|other| !name.is_empty() && other.name == *name);
        found.map(ChildId).ok_or_else(|| BuildError::UnknownDependency {
            actor: child.name.clone(),
            dependency: name.clone(),
        })
    };
    let restarts_with: Vec<ChildId> = child.restarts_with.iter().map(find).collect::<Result<_, _>>()?;
    let mut depends_on: Vec<ChildId> = child.depends_on.iter().map(find).collect::<Result<_, _>>()?;
    depends_on.extend(&restarts_with);
    depends_on.sort_unstable();
    depends_on.dedup();
    Ok(Links { depends_on, restarts_with })
}

/// Each child after all that it depends on; among those that could be next, the one declared first.
pub(super) fn start_order(names: &[Names], links: &[Links]) -> Result<Vec<ChildId>, BuildError> {
    let mut order: Vec<ChildId> = Vec::new();
    while order.len() < links.len() {
        let ready = (0..links.len()).map(ChildId).find(|id| {
            let placed = |dependency: &ChildId| order.contains(dependency);
            !order.contains(id) && links[id.0].depends_on.iter().all(placed)
        });
        match ready {
            Some(id) => order.push(id),
            None => return Err(cycle(names, links, &order)),
        }
    }
    Ok(order)
}

/// Names a circle: from any child that could not be placed, to one it waits for, and so on until one comes back.
fn cycle(names: &[Names], links: &[Links], placed: &[ChildId]) -> BuildError {
    let waits = |id: &ChildId| !placed.contains(id);
    let mut path: Vec<ChildId> = Vec::new();
    let mut next = (0..links.len()).map(ChildId).find(waits);
    while let Some(id) = next {
        if let Some(start) = path.iter().position(|&seen| seen == id) {
            path.drain(..start);
            path.push(id);
            break;
        }
        path.push(id);
        next = links[id.0].depends_on.iter().copied().find(waits);
    }
    let actors = path.iter().map(|id| names[id.0].name.clone()).collect();
    BuildError::Cycle { actors }
}
