// The shapes of what crosses the bridge, as they are generated from the Go structs.
import type { app, home, session } from "../../wailsjs/go/models";

/** A refused call may bring the statements that give the rights which are missing. */
export type Problem = session.Problem & { grants?: string[] };
export type Info = app.Info;
export type FleetName = app.FleetName;
export type FleetFile = app.FleetFile;
export type FleetShard = app.FleetShard;
export type AddFleetRequest = app.AddFleetRequest;
export type ImportFleetRequest = app.ImportFleetRequest;
export type HostRequest = app.HostRequest;
export type HostWayKey = app.HostKey;
export type HostKeys = app.HostKeys;
export type DemoStatus = app.DemoStatus;
export type Script = app.Script;
export type Setting = home.Setting;
export type QueueState = session.QueueState;
export type Status = session.Status;
export type ShardStatus = session.ShardStatus;
export type ShardHealth = session.ShardHealth;
export type Finding = session.Finding;
export type Health = session.Health;
export type ShardStats = session.ShardStats;
export type ShardView = session.ShardView;
export type FleetComparison = session.FleetComparison;
export type ShardViews = session.ShardViews;
export type ViewSession = session.ViewSession;
export type ServerSession = session.BackendView;
export type ServerSessions = session.Backends;
export type EndRequest = session.EndRequest;
export type Ended = session.Ended;
export type HistoryRequest = session.HistoryRequest;
export type HistoryView = session.HistoryView;
export type ShardHistory = session.ShardHistory;
export type MetricHistory = session.MetricHistory;
export type HistoryMark = session.HistoryMark;
export type Sampling = session.Sampling;
export type UnavailableCheck = session.UnavailableCheck;
export type Distribution = session.Distribution;
export type TenantRow = session.TenantRow;
export type TenantFilter = session.TenantFilter;
/** What is asked for when nothing narrows the list of tenants. */
export const anyTenant: TenantFilter = {
  shard: "",
  search: "",
  sort: "",
  limit: 0,
  offset: 0,
  full: false,
  state: "",
  demo: "",
  min_bytes: 0,
};
export type TenantExport = app.TenantExport;
export type TenantList = session.TenantList;
export type TenantView = session.TenantView;
export type TableRows = session.TableRows;
export type PlacementCheck = session.PlacementCheck;
export type AssignRequest = session.AssignRequest;
export type AssignWhere = session.AssignWhere;
export type AssignedMany = session.AssignedMany;
export type AssignedOne = session.AssignedOne;
export type MapView = session.MapView;
export type MapTable = session.MapTable;
export type Plan = session.Plan;
export type Check = session.Check;
export type Decision = session.Decision;
export type MoveRequest = session.MoveRequest;
export type MoveAction = session.MoveAction;
export type MoveView = session.MoveView;
export type MoveTable = session.MoveTable;
export type MoveBehind = session.MoveBehind;
export type TimeRange = session.TimeRange;
export type MoveReport = session.MoveReport;
export type QueueRequest = session.QueueRequest;
export type MoveList = session.MoveList;
export type AlertList = session.AlertList;
export type AlertView = session.AlertView;
export type AlertSilence = session.SilenceView;
export type AlertChannel = session.ChannelView;
export type SilenceRequest = session.SilenceRequest;
export type Rebalance = session.Rebalance;
export type RebalancePlan = session.RebalancePlan;
export type RebalanceMove = session.RebalanceMove;
export type RebalanceRejected = session.RebalanceRejected;
export type RebalanceShard = session.RebalanceShard;
export type RebalanceDimension = session.RebalanceDimension;
export type RebalanceUse = session.RebalanceUse;
export type RebalanceApply = session.RebalanceApply;
export type RebalanceApplied = session.RebalanceApplied;
export type LogLine = session.LogLine;
export type Event = session.Event;
export type EventList = session.EventList;
export type AuditFacets = session.AuditFacets;
export type AuditFilter = session.AuditFilter;
export type SavedFilter = session.SavedFilter;
export type AuditVerification = session.AuditVerification;
export type AuditExport = session.AuditExport;
export type ReportRequest = session.ReportRequest;
export type ReportKind = session.ReportKind;
export type ReportSchedule = session.ReportSchedule;
export type FleetCheck = session.FleetCheck;
export type DatabaseCheck = session.DatabaseCheck;
export type PolicyView = session.PolicyView;
export type InstallView = session.InstallView;
export type CredentialTest = session.CredentialTest;
