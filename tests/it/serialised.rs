//! What serde makes of settings, reports and results: these forms, checked on the way in.

use loss_landscape::{
    AdaptiveEnd, Block, Buffers, Curve, DirectionSource, ErrorScale, FnModel, Layout, Mask, Norm,
    Normalization, OnBadPoint, Policy, RandomDirections, Role, Surface,
    curvature::{
        DiagonalEstimator, Lanczos, LanczosEnd, Probe, SpectralDensity, TraceEstimator, TraceMethod,
    },
    grid_2d,
    matching::{PermutationSpec, Permutations, Start, UnitGroup, WeightMatching},
    path::PathShape,
    report::{SweepEnd, SweepReport},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, from_str, json, to_value};

/// A value has this form, and comes back from it.
#[allow(clippy::needless_pass_by_value, reason = "made where it is passed")]
fn form<T: Serialize + DeserializeOwned>(value: &T, expected: Value) {
    assert_eq!(to_value(value).unwrap(), expected);
    let back: T = serde_json::from_value(expected.clone()).unwrap();
    assert_eq!(to_value(back).unwrap(), expected);
}

/// What is wrong with a text.
fn error<T: DeserializeOwned>(text: &str) -> String {
    from_str::<T>(text).err().unwrap_or_else(|| panic!("{text} is good")).to_string()
}

fn layout() -> Layout {
    Layout::new([Block::weight("w", [2, 3], 1), Block::new("mean", [2], Role::Buffer, None)]).unwrap()
}

#[test]
fn sources_and_rules() {
    form(
        &DirectionSource::Random { seed: u64::MAX, stream: 1 },
        json!({"random": {"seed": u64::MAX, "stream": 1}}),
    );
    form(&DirectionSource::Between, json!("between"));
    form(&DirectionSource::Eigenvector { eigenvalue: -0.5 }, json!({"eigenvector": {"eigenvalue": -0.5}}));
    form(
        &DirectionSource::Eigenvector { eigenvalue: f64::NAN },
        json!({"eigenvector": {"eigenvalue": "NaN"}}),
    );
    form(
        &DirectionSource::Principal { component: 1, snapshots: 300, centred: true },
        json!({"principal": {"component": 1, "snapshots": 300, "centred": true}}),
    );
    form(
        &DirectionSource::Through { axis: 2, points: [0, 1, u64::MAX] },
        json!({"through": {"axis": 2, "points": ["0000000000000000", "0000000000000001", "ffffffffffffffff"]}}),
    );
    form(&DirectionSource::Gradient { norm: 0.5 }, json!({"gradient": {"norm": 0.5}}));
    form(
        &DirectionSource::RandomAcross { seed: 42, stream: 1 },
        json!({"random_across": {"seed": 42, "stream": 1}}),
    );
    form(
        &DirectionSource::EigenvectorAcross { eigenvalue: -0.5 },
        json!({"eigenvector_across": {"eigenvalue": -0.5}}),
    );
    form(
        &DirectionSource::CurvePoint { shape: PathShape::Bezier, point: 1, points: 3 },
        json!({"curve_point": {"shape": "bezier", "point": 1, "points": 3}}),
    );
    form(&DirectionSource::Given, json!("given"));
    form(
        &Normalization::original(Policy::Copy).with_norm(Norm::UnitFilter),
        json!({
            "norm": "unit_filter", "biases": "copy", "norm_parameters": "still", "buffers": "still",
            "conformance": "original",
        }),
    );
    assert!(error::<DirectionSource>("\"random, seed 42, stream 1\"").contains("unknown variant"));
    assert!(error::<Normalization>("\"filter; biases still\"").contains("invalid type: string"));
    assert!(error::<Normalization>(r#"{"bias": "copy"}"#).contains("unknown field `bias`"));
}

#[test]
fn layouts_and_masks() {
    let blocks = json!([
        {"name": "w", "shape": [2, 3], "role": "weight", "filter_axis": 1},
        {"name": "mean", "shape": [2], "role": "buffer", "filter_axis": null},
    ]);
    form(&layout(), blocks.clone());
    form(&Mask::trained(&layout()), json!({"layout": blocks, "chosen": ["w"]}));
    let back: Mask = serde_json::from_value(to_value(Mask::all(&layout())).unwrap()).unwrap();
    assert_eq!(back, Mask::all(&layout()));
    assert_eq!(from_str::<Layout>(&blocks.to_string()).unwrap().block("mean").unwrap().range(), 6..8);

    assert!(error::<Layout>("[]").contains("at least one block"));
    let axis = blocks.to_string().replace("\"filter_axis\":1", "\"filter_axis\":2");
    assert!(error::<Layout>(&axis).contains("filter axis 2"));
    let huge = blocks.to_string().replace("[2,3]", "[18446744073709551615,3]");
    assert!(error::<Layout>(&huge).contains("`w`"));
    let unknown = json!({"layout": blocks, "chosen": ["x"]}).to_string();
    assert!(error::<Mask>(&unknown).contains("`x`"));
}

#[test]
fn settings() {
    let directions = RandomDirections::new(42).stream(3).orthogonal(true).mask(Mask::trained(&layout()));
    form(
        &directions,
        json!({
            "seed": 42, "stream": 3, "normalization": to_value(Normalization::default()).unwrap(), "orthogonal": true,
            "mask": to_value(Mask::trained(&layout())).unwrap(),
        }),
    );
    // What a file of settings would say, and the same draw.
    let model =
        FnModel::new(Layout::flat(3).unwrap(), vec![1.0, 2.0, 3.0], |t: &[f64], (): &()| t[0]).unwrap();
    let read: RandomDirections = from_str(r#"{"seed": 7, "normalization": {"norm": "layer"}}"#).unwrap();
    let same = RandomDirections::new(7).normalization(Normalization::default().with_norm(Norm::Layer));
    assert_eq!(read.pair(&model).unwrap(), same.pair(&model).unwrap());
    assert!(error::<RandomDirections>("{}").contains("missing field `seed`"));
    assert!(error::<RandomDirections>(r#"{"seed": -1}"#).contains("invalid value"));

    form(
        &Lanczos::new().threshold(f64::INFINITY).seed(9),
        json!({
            "tolerance": 0.001, "confidence": 0.999, "threshold": "Infinity", "max_products": 500,
            "memory_limit": 1_u64 << 30, "seed": 9, "stream": 0, "vectors": false, "by_residuals": false,
        }),
    );
    let read: Lanczos = from_str(r#"{"tolerance": 1}"#).unwrap();
    assert_eq!(format!("{read:?}"), format!("{:?}", Lanczos::new().tolerance(1.0)));
    assert!(error::<Lanczos>(r#"{"tol": 1}"#).contains("unknown field `tol`"));

    assert_eq!(
        format!("{:?}", back(&TraceEstimator::new().tolerance(0.5).seed(3))),
        format!("{:?}", TraceEstimator::new().tolerance(0.5).seed(3))
    );
    assert_eq!(
        format!("{:?}", back(&DiagonalEstimator::new().max_products(7))),
        format!("{:?}", DiagonalEstimator::new().max_products(7))
    );
    assert_eq!(
        format!("{:?}", back(&SpectralDensity::new().seed(7))),
        format!("{:?}", SpectralDensity::new().seed(7))
    );
}

fn back<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_value(to_value(value).unwrap()).unwrap()
}

#[test]
fn words() {
    form(&[Buffers::Still, Buffers::Move], json!(["still", "move"]));
    form(&[OnBadPoint::Record, OnBadPoint::Stop], json!(["record", "stop"]));
    form(
        &[SweepEnd::Complete, SweepEnd::Cancelled, SweepEnd::BadPoint, SweepEnd::Partial],
        json!(["complete", "cancelled", "bad_point", "partial"]),
    );
    form(&[ErrorScale::Auto, ErrorScale::Linear, ErrorScale::Log], json!(["auto", "linear", "log"]));
    form(&[AdaptiveEnd::Tolerance, AdaptiveEnd::NonFinite], json!(["tolerance", "non_finite"]));
    form(&[Probe::Rademacher, Probe::Gaussian], json!(["rademacher", "gaussian"]));
    form(&[TraceMethod::Hutchinson, TraceMethod::HutchPlusPlus], json!(["hutchinson", "hutch_plus_plus"]));
    form(&[LanczosEnd::Certified, LanczosEnd::ProductLimit], json!(["certified", "product_limit"]));
}

/// A surface with points that fail, and others that are not finite.
fn surface() -> Surface {
    let loss = |t: &[f64], (): &()| -> Result<f64, loss_landscape::OracleError> {
        match t {
            [a, _] if (a - 1.0).abs() > 0.5 => Err("too \"far\"\n".into()),
            [_, b] if (b - 2.0).abs() > 0.3 => Ok(f64::NEG_INFINITY),
            [a, b] => Ok(a * b),
            _ => Ok(0.0),
        }
    };
    let model = FnModel::new(Layout::flat(2).unwrap(), vec![1.0, 2.0], loss).unwrap();
    grid_2d(&model, &(), RandomDirections::new(1).pair(&model).unwrap()).unwrap()
}

#[test]
fn reports_and_results_come_back() {
    let surface = surface();
    assert!(surface.report().bad_points.len() > 10);
    let value = to_value(&surface).unwrap();
    assert_eq!(value["format"], "loss-landscape surface");
    let failures = value["report"]["bad_points"].as_array().unwrap().iter().map(|bad| &bad["failure"]);
    let failures: Vec<&Value> = failures.collect();
    assert!(failures.contains(&&json!({"error": "too \"far\"\n"})));
    assert!(failures.contains(&&json!({"non_finite": {"channel": "loss", "value": "-Infinity"}})));
    assert_eq!(
        value["report"]["provenance"]["directions"][1]["source"],
        json!({"random": {"seed": 1, "stream": 1}})
    );
    assert_eq!(value["report"]["provenance"]["theta_hash"].as_str().unwrap().len(), 16);
    let read: Surface = from_str(&serde_json::to_string(&surface).unwrap()).unwrap();
    assert!(
        read.values().iter().zip(surface.values()).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan())
    );
    assert_eq!(to_value(&read).unwrap(), value);
    let report: SweepReport = serde_json::from_value(value["report"].clone()).unwrap();
    assert_eq!(report.provenance, surface.report().provenance);
    assert_eq!(report.bad_points[0].to_string(), surface.report().bad_points[0].to_string());
    let curve = error::<Curve>(&serde_json::to_string(&surface).unwrap());
    assert!(
        curve.contains("the format should be \"loss-landscape curve\", not \"loss-landscape surface\""),
        "{curve}"
    );
}

#[test]
fn what_does_not_hold_together_is_refused() {
    let good = to_value(surface()).unwrap();
    let error = |change: &dyn Fn(&mut Value)| {
        let mut bad = good.clone();
        change(&mut bad);
        serde_json::from_value::<Surface>(bad).unwrap_err().to_string()
    };
    let total = error(&|value| value["report"]["total"] = json!(7));
    assert_eq!(total, "not a valid surface file: `total` of the report should be 2601, not 7");
    let index = error(&|value| value["report"]["bad_points"][0]["index"][1] = json!(51));
    assert!(
        index.contains("the index of a bad point should be below [51, 51], not [") && index.ends_with("51]")
    );
    let hashes = error(&|value| value["report"]["provenance"]["data_hashes"] = json!([]));
    assert!(hashes.contains("`data_hashes` of the report should be 1 of them, not 0"), "{hashes}");
    assert!(error(&|value| value["alpha"][0] = json!("NaN")).contains("α must be finite and run upwards"));
    assert!(error(&|value| value["beta"][1] = json!(-1.0)).contains("β must be finite and run upwards"));
    assert!(
        error(&|value| value["computed"][0] = json!([true])).contains("row 0 has 1 entries and row 1 has 51")
    );
    assert!(error(&|value| value["computed"][0][0] = json!(false)).contains("`computed` of the report"));
    let hash = error(&|value| value["report"]["provenance"]["theta_hash"] = json!("12"));
    assert!(hash.contains("a hash has 16 hexadecimal digits"));
    let seconds = error(&|value| value["report"]["elapsed_seconds"] = json!("NaN"));
    assert!(seconds.contains("seconds are finite and not negative"));
    assert!(error(&|value| value["beta"] = Value::Null).contains("a surface, not a curve"));
    assert!(error(&|value| value["channels"] = json!(["loss", "loss"])).contains("loss"));
}

#[test]
fn permutations_and_their_groups_are_checked_on_the_way_in() {
    let group = UnitGroup::new("g", 2).axis("w", 0).runs("mean", 0, 1);
    let spec = PermutationSpec::new(&layout(), [group]).unwrap();
    let place = |block: &str| json!({"block": block, "axis": 0, "start": 0, "run": 1, "whole": true});
    let stated = |units: u64| {
        let blocks = to_value(layout()).unwrap();
        let group = json!({"name": "g", "units": units, "places": [place("w"), place("mean")]});
        json!({"layout": blocks, "groups": [group]})
    };
    form(&spec, stated(2));
    form(
        &Permutations::new(&spec, vec![vec![1, 0]]).unwrap(),
        json!({"spec": stated(2), "orders": [[1, 0]]}),
    );
    let message = error::<PermutationSpec>(&stated(3).to_string());
    assert!(message.contains("the group `g` has 3 units"), "{message}");
    let twice = json!({"spec": stated(2), "orders": [[1, 1]]}).to_string();
    let message = error::<Permutations>(&twice);
    assert!(message.contains("goes wrong at number 1"), "{message}");
    form(&Start::Anchored, json!("anchored"));
    form(
        &WeightMatching::new().seed(7).anchored(false),
        json!({"seed": 7, "starts": 4, "sweeps": 100, "anchored": false, "mask": null}),
    );
    let matching: WeightMatching = from_str("{\"starts\": 2}").unwrap();
    let theta = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    let report = matching.run(&spec, &theta, &theta).unwrap().report().clone();
    assert_eq!(report.descents.len(), 2);
    form(&report, to_value(&report).unwrap());
}
