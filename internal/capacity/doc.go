// Package capacity says how a database grows and when it is full. It asks nobody:
// it is given sizes by day and what this program itself has moved.
//
// # How
//
// Sizes are cleared of level shifts first: a tenant of 50 GB that was moved away
// ten days ago is no shrinking. The days of our own moves are known; others are found, as
// steps from one day to the next that lie further from the usual step than six
// times the median distance from it. What remains is growth, whose slope is that of
// Theil and Sen, the median of the slopes between all pairs of days: a day that lies
// wrong does not move it.
//
// # How sure
//
// The range of the slope is the wider of two: that of Kendall's statistic, which
// knows the spread of the pairs, and one for growth that itself goes up and down by
// day, whose size comes from the steps over a week against those over a day. It holds
// the true slope nine times of ten.
//
// # What is said
//
// The slope of the last 30 days counts. Where that of 90 days differs by more than
// twice, growth is changing, and the larger one counts, because a disk that is full
// too early is worse than a warning too early. Days to full are a range; beyond two
// years nothing is said but that. With fewer than seven days there is no forecast,
// and no number.
package capacity
