# Measured beside the copy: what a Rails application moves its rows with that
# has only Active Record. Arguments: source URL, target URL, rows.
require "active_record"
require "pg"

from, to, rows = ARGV
class Source < ActiveRecord::Base; self.abstract_class = true; end
class Target < ActiveRecord::Base; self.abstract_class = true; end
Source.establish_connection(from)
Target.establish_connection(to)
class NoteThere < Source; self.table_name = "notes"; end
class NoteHere < Target; self.table_name = "notes"; end
NoteThere.first
NoteHere.first
$stdout.sync = true
begun = Process.clock_gettime(Process::CLOCK_MONOTONIC)
done = 0
NoteThere.where(account_id: 1).in_batches(of: 500) do |batch|
  NoteHere.transaction { NoteHere.insert_all(batch.map(&:attributes)) }
  break if (done += 500) >= rows.to_i
end
puts Process.clock_gettime(Process::CLOCK_MONOTONIC) - begun
