//! The objects of a network by their identities.

use std::collections::BTreeMap;
use std::collections::btree_map::Keys;
use std::ops::Index;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Objects that copies of a network have in common until one of them changes them, so that a copy costs little however much they
/// have.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Objects<Id: Ord, T>(BTreeMap<Id, Arc<T>>);

impl<Id: Ord + Copy, T: Clone> Objects<Id, T> {
    pub(super) fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn contains_key(&self, id: &Id) -> bool {
        self.0.contains_key(id)
    }

    pub(super) fn get(&self, id: &Id) -> Option<&T> {
        self.0.get(id).map(Arc::as_ref)
    }

    /// Returns an object to be changed, in this network alone.
    pub(super) fn get_mut(&mut self, id: &Id) -> Option<&mut T> {
        self.0.get_mut(id).map(Arc::make_mut)
    }

    pub(super) fn insert(&mut self, id: Id, object: T) {
        self.0.insert(id, Arc::new(object));
    }

    /// Returns an object, which is made anew if it is missing, to be changed.
    pub(super) fn get_or_insert_with(&mut self, id: Id, make: impl FnOnce() -> T) -> &mut T {
        Arc::make_mut(self.0.entry(id).or_insert_with(|| Arc::new(make())))
    }

    /// Has an object of another network, as it is there.
    pub(super) fn share(&mut self, id: Id, other: &Self) {
        self.0.insert(id, other.0[&id].clone());
    }

    /// Tells whether an object is for certain the same in another network, as neither has changed it.
    pub(super) fn is_shared(&self, id: Id, other: &Self) -> bool {
        self.0.get(&id).zip(other.0.get(&id)).is_some_and(|(one, other)| Arc::ptr_eq(one, other))
    }

    pub(super) fn remove(&mut self, id: &Id) -> Option<T> {
        self.0.remove(id).map(Arc::unwrap_or_clone)
    }

    pub(super) fn keys(&self) -> Keys<'_, Id, Arc<T>> {
        self.0.keys()
    }

    /// Lists them in the order they were added.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Id, &T)> {
        self.0.iter().map(|(id, object)| (*id, object.as_ref()))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.values().map(Arc::as_ref)
    }
}

impl<Id: Ord, T> Index<&Id> for Objects<Id, T> {
    type Output = T;

    fn index(&self, id: &Id) -> &T {
        &self.0[id]
    }
}
