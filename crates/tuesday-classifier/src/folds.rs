//! Deals the examples round the folds, with copies and near copies kept together.
//!
//! Written examples are often reworded from each other. When one of two near copies is fitted on and the other held out,
//! the figures and the confidences come out too good for a record that nobody has seen; so both go into one fold.

use super::fields::Raw;

/// From this share of common words and word pairs on, two rows of a label count as near copies.
const NEAR: f64 = 0.6;
/// Labels with more rows than this are only searched for exact copies: the search takes the square of the rows.
const MOST_SEARCHED: usize = 1_500;

/// The fold of each row. `truth` and `raws` are sorted by label, then by identity.
pub(super) fn deal(folds: u32, truth: &[u32], raws: &[Raw]) -> Vec<u32> {
    let mut fold = vec![0; raws.len()];
    let mut sizes = vec![0_u32; folds as usize];
    let mut first = 0;
    for group in truth.chunk_by(|a, b| a == b) {
        let rows = &raws[first..first + group.len()];
        let mut own = vec![0_u32; folds as usize];
        for cluster in clusters(rows, folds) {
            // The fold with the fewest rows of this label, then with the fewest rows at all.
            let target = (0..sizes.len())
                .min_by_key(|at| (own[*at], sizes[*at]))
                .unwrap_or(0);
            for place in cluster {
                own[target] += 1;
                sizes[target] += 1;
                fold[first + place] = u32::try_from(target).unwrap_or(0);
            }
        }
        first += group.len();
    }
    fold
}

/// Groups of near copies, largest first. A row joins the first group whose first row it is a near copy of. No group is
/// larger than a fold's share, or a label could be missing from what a fold is fitted on.
fn clusters(rows: &[Raw], folds: u32) -> Vec<Vec<usize>> {
    let search = rows.len() <= MOST_SEARCHED;
    let most = rows.len().div_ceil(folds as usize);
    let mut clusters: Vec<Vec<usize>> = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        let joins = |cluster: &&mut Vec<usize>| {
            let leader = cluster.first().map(|leader| &rows[*leader]);
            cluster.len() < most
                && leader.is_some_and(|leader| {
                    leader.identity == row.identity || (search && near(leader, row))
                })
        };
        // Rows come sorted by identity, so that exact copies are always in the newest group.
        let from = if search {
            0
        } else {
            clusters.len().saturating_sub(1)
        };
        match clusters[from..].iter_mut().find(joins) {
            Some(cluster) => cluster.push(place),
            None => clusters.push(vec![place]),
        }
    }
    clusters.sort_by_key(|cluster| std::cmp::Reverse(cluster.len()));
    clusters
}

/// Whether two rows share most of their text. Rows without text are near copies of none.
fn near(a: &Raw, b: &Raw) -> bool {
    let (mut shared, mut all) = (0_usize, 0_usize);
    for (a, b) in a.texts.iter().zip(&b.texts) {
        let (mut left, mut right) = (a.words.iter().peekable(), b.words.iter().peekable());
        all += a.words.len() + b.words.len();
        while let (Some(one), Some(two)) = (left.peek(), right.peek()) {
            match one.0.cmp(&two.0) {
                std::cmp::Ordering::Less => drop(left.next()),
                std::cmp::Ordering::Greater => drop(right.next()),
                std::cmp::Ordering::Equal => {
                    shared += 1;
                    left.next();
                    right.next();
                }
            }
        }
    }
    let either = all - shared;
    either > 0 && super::math::count(shared) >= NEAR * super::math::count(either)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fields::read;
    use super::super::spec::FeatureSpec;
    use super::*;

    #[test]
    fn near_copies_share_a_fold_and_folds_stay_even() {
        let spec = FeatureSpec {
            text: vec!["text".into()],
            ..FeatureSpec::default()
        };
        let texts = [
            "where is my new card",
            "so where is my new card",
            "card never came",
            "card never came",
            "post lost it",
            "still waiting for delivery",
        ];
        let raws: Vec<Raw> = texts
            .iter()
            .map(|text| read(&spec, 4096, &json!({ "text": text })))
            .collect();
        let fold = deal(2, &[0; 6], &raws);
        assert_eq!(fold[0], fold[1]);
        assert_eq!(fold[2], fold[3]);
        assert_eq!(fold.iter().filter(|fold| **fold == 0).count(), 3);
    }
}
