//! Checkpoints on disk: a file that PyTorch wrote, and a network that goes there and back.

use crate::common::{Reference, reference};
use loss_landscape::{
    Block, CheckpointReader, Error, Layout, Loss, Model, from_checkpoint_bytes, to_checkpoint_bytes,
    write_checkpoint,
};
use loss_landscape_nets::Activation;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/mlp_tanh.safetensors");

/// The reference network's layout, its names behind a prefix.
fn layout(prefix: &str) -> Layout {
    Layout::new([
        Block::weight(format!("{prefix}fc1.weight"), [16, 64], 0),
        Block::bias(format!("{prefix}fc1.bias"), [16]),
        Block::weight(format!("{prefix}fc2.weight"), [10, 16], 0),
        Block::bias(format!("{prefix}fc2.bias"), [10]),
    ])
    .unwrap()
}

#[test]
fn a_file_that_pytorch_wrote_is_read() {
    let (layout, reference) = (layout("minimiser_a."), Reference::load("mlp_tanh"));
    let strict = CheckpointReader::<f64>::new(&layout).read(PATH).unwrap_err();
    let Error::InFile { path, source } = &strict else { panic!("{strict}") };
    assert!(path.ends_with("mlp_tanh.safetensors"));
    assert!(
        matches!(&**source, Error::Checkpoint { missing, extra, .. } if missing.is_empty() && extra.len() > 90),
        "{source}"
    );
    assert!(strict.to_string().contains("mlp_tanh.safetensors"), "{strict}");
    let read = CheckpointReader::<f64>::new(&layout).allow_extra(true).read(PATH).unwrap();
    assert_eq!(read.theta, reference.vector::<f64>("minimiser_a"));
    assert!(read.converted.is_empty() && read.filled.is_empty() && read.prefix.is_empty());
    let narrow = CheckpointReader::<f32>::new(&layout).allow_extra(true).read(PATH).unwrap();
    assert_eq!(narrow.theta, reference.vector::<f32>("minimiser_a"));
    assert_eq!(narrow.converted.len(), 4);
    assert!(narrow.converted.iter().all(|(_, dtype)| dtype == "F64"));
    let missing = CheckpointReader::<f64>::new(&layout).read("no such file").unwrap_err();
    assert!(matches!(&missing, Error::File { path, .. } if path.ends_with("no such file")), "{missing}");
}

#[test]
fn a_network_goes_to_a_file_and_back() {
    let (net, data, _) = reference::<f64>(Activation::Tanh);
    let loss = net.loss(net.parameters(), &data).unwrap();
    let path = std::env::temp_dir().join(format!("loss-landscape-{}.safetensors", std::process::id()));
    write_checkpoint(net.layout(), net.parameters(), &path).unwrap();
    let read = CheckpointReader::<f64>::new(net.layout()).read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(net.loss(&read.theta, &data).unwrap().to_bits(), loss.to_bits());
    // As a wrapper saves it.
    let wrapped = to_checkpoint_bytes(&layout("module."), net.parameters()).unwrap();
    let read = from_checkpoint_bytes::<f64>(net.layout(), &wrapped).unwrap();
    assert_eq!((read.prefix.as_str(), read.theta.as_slice()), ("module.", net.parameters()));
}
