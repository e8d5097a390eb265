//! What the points of a sampled sweep leave: losses of every sample at the lattice's nodes, for the points between them
//! and for a journal.

use std::sync::OnceLock;

use super::{control::Scale, lattice::Lattice};
use crate::engine::journal::Keeper;

/// All data sets.
pub(super) struct Stores<'l> {
    lattice: &'l Lattice,
    stores: Vec<Store>,
}

/// The nodes of one data set.
pub(super) struct Store {
    samples: usize,
    channels: usize,
    nodes: Vec<OnceLock<Node>>,
    scale: OnceLock<Scale>,
}

/// What every sample has at a node.
pub(super) struct Node {
    /// [channel][sample].
    values: Box<[f32]>,
    /// The first channel on the scale on which it is interpolated, made when it is first needed.
    scaled: OnceLock<Box<[f32]>>,
}

impl<'l> Stores<'l> {
    /// For data sets of these numbers of samples.
    pub(super) fn new(lattice: &'l Lattice, samples: &[usize], channels: usize) -> Self {
        let store = |&samples: &usize| Store {
            samples,
            channels,
            nodes: (0..lattice.len()).map(|_| OnceLock::new()).collect(),
            scale: OnceLock::new(),
        };
        Self { lattice, stores: samples.iter().map(store).collect() }
    }

    pub(super) fn get(&self, set: usize) -> &Store {
        &self.stores[set]
    }

    /// Bytes that nodes take: their values and, once more, the first channel on its scale.
    pub(super) fn bytes(nodes: usize, samples: &[usize], channels: usize) -> u64 {
        let samples = samples.iter().fold(0_u64, |sum, samples| sum.saturating_add(*samples as u64));
        samples.saturating_mul(4 * (channels as u64 + 1)).saturating_mul(nodes as u64)
    }
}

impl Store {
    pub(super) fn samples(&self) -> usize {
        self.samples
    }

    /// What a node left; none where it failed or was not finite.
    pub(super) fn node(&self, node: usize) -> Option<&Node> {
        self.nodes[node].get()
    }

    /// Takes what a node leaves, [channel][sample], all of it finite.
    pub(super) fn put(&self, node: usize, values: Box<[f32]>) {
        let _ = self.nodes[node].set(Node { values, scaled: OnceLock::new() });
    }

    /// The scale of the first channel. It is asked for when all nodes are done.
    pub(super) fn scale(&self) -> Scale {
        *self.scale.get_or_init(|| {
            let losses =
                self.nodes.iter().filter_map(OnceLock::get).flat_map(|node| node.channel(0, self.samples));
            if losses.into_iter().all(|loss| *loss >= 0.0) { Scale::Softplus } else { Scale::Linear }
        })
    }
}

impl Node {
    /// A channel of every sample.
    pub(super) fn channel(&self, channel: usize, samples: usize) -> &[f32] {
        &self.values[channel * samples..(channel + 1) * samples]
    }

    /// The first channel of every sample on its scale.
    pub(super) fn scaled(&self, scale: Scale, samples: usize) -> &[f32] {
        let losses = self.channel(0, samples);
        self.scaled.get_or_init(|| losses.iter().map(|loss| scale.forward(f64::from(*loss)) as f32).collect())
    }
}

impl Keeper for Stores<'_> {
    fn save(&self, set: usize, point: usize, out: &mut Vec<u8>) {
        let Some(node) = self.lattice.node(point) else { return };
        if let Some(Node { values, .. }) = self.stores[set].node(node) {
            out.reserve(4 * values.len());
            out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
    }

    fn restore(&self, set: usize, point: usize, bytes: &[u8]) -> bool {
        if bytes.is_empty() {
            // It is no node, or the oracle failed there.
            return true;
        }
        let store = &self.stores[set];
        let Some(node) = self.lattice.node(point) else { return false };
        if bytes.len() != 4 * store.samples * store.channels {
            return false;
        }
        store.put(node, bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect());
        true
    }

    fn save_summary(&self, _: usize, _: usize, _: &mut Vec<u8>) {}

    fn needs(&self, point: usize, out: &mut Vec<usize>) {
        if self.lattice.node(point).is_none() {
            let (mut cubic, mut corners) = (Vec::new(), Vec::new());
            self.lattice.cubic(point, &mut cubic);
            self.lattice.corners(point, &mut corners);
            out.extend(cubic.iter().chain(&corners).map(|weighted| self.lattice.point(weighted.node)));
        }
    }

    fn save_stage(&self, point: usize, out: &mut Vec<u8>) {
        // The scale follows from all nodes, of which another process has some.
        if self.lattice.node(point).is_none() {
            out.extend(self.stores.iter().map(|store| u8::from(store.scale() == Scale::Linear)));
        }
    }

    fn restore_stage(&self, stage: &[u8]) -> bool {
        let stores = if stage.is_empty() { &[][..] } else { &self.stores };
        if stage.len() != stores.len() || stage.iter().any(|&linear| linear > 1) {
            return false;
        }
        for (store, &linear) in stores.iter().zip(stage) {
            let _ = store.scale.set(if linear == 1 { Scale::Linear } else { Scale::Softplus });
        }
        true
    }
}
