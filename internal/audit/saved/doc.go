// Package saved keeps filters of the audit trail under names, for each fleet, in the
// local store. They are preferences of this computer: no database has them, and the
// trail records nothing of them.
package saved
