// Package monitor is the fleet as other programs read it: a REST API with an
// OpenAPI description, and metrics for Prometheus. Nothing can be changed by it.
//
// # Who gets in
//
// Every request needs the bearer token, but for one with another Host or Origin
// than the server's own: that is refused before the token is looked at, so that a
// page of another site in an operator's browser learns nothing, not even whether a
// token was right. Tokens are compared in constant time. Without TLS the server
// listens on loopback addresses only.
//
// # What it costs
//
// Metrics come from the memory of what samples the fleet: a scrape asks no
// database, however often it comes. The endpoints of the API ask, within their own
// deadlines, and a limit of requests bounds how often (429 with Retry-After).
//
// # What it says
//
// Documents are those of the command line's --json. Errors are problem documents
// (RFC 9457) that carry the fault's code and hint. A figure that is not known is
// null beside a reason in the API, and in the metrics it is not there: a series
// that ends says that nothing is known, where a zero would be a lie.
package monitor
