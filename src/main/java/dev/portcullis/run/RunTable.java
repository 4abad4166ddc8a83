package dev.portcullis.run;

import dev.portcullis.protocol.RunStatus;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What may follow what in the life of a run. Pure: the specification that the session, its recovery and the
 * model test share. A fact that is not in the table must not be persisted.
 */
public final class RunTable {
  /** Facts by what they do to the status. */
  public enum Fact {
    ATTEMPT_STARTED,
    ATTACHED,
    TEXT_APPENDED,
    STEP_STARTED,
    STEP_FINISHED,
    APPROVAL_REQUESTED,
    APPROVAL_DECIDED,
    /** A planned stop is noted; the status stays. */
    STOP_NOTED,
    ABORT_REQUESTED,
    ABORTED,
    COMPLETED,
    /** A turn that waited went into the run that was active. */
    STEERED,
    FAILED,
    /** Failed by its deadline or an operator, not by a harness. */
    GIVEN_UP,
    INTERRUPTED,
    PARKED,
    UNPARKED
  }

  private static final Map<Fact, Map<RunStatus, RunStatus>> TABLE = table();

  private RunTable() {}

  /** Where {@code fact} leads from {@code status}; empty when it must be refused. */
  public static Optional<RunStatus> next(RunStatus status, Fact fact) {
    return Optional.ofNullable(TABLE.get(fact).get(status));
  }

  private static Map<Fact, Map<RunStatus, RunStatus>> table() {
    var table = new EnumMap<Fact, Map<RunStatus, RunStatus>>(Fact.class);
    for (var fact : Fact.values()) {
      table.put(fact, row(fact));
    }
    return table;
  }

  private static Map<RunStatus, RunStatus> row(Fact fact) {
    return switch (fact) {
      case ATTEMPT_STARTED -> to(RunStatus.STARTING, RunStatus.QUEUED, RunStatus.INTERRUPTED);
      case ATTACHED -> to(RunStatus.RUNNING, RunStatus.STARTING);
      case TEXT_APPENDED, STEP_FINISHED -> stay(RunStatus.RUNNING, RunStatus.ABORTING);
      case STEP_STARTED -> stay(RunStatus.RUNNING);
      // An agent may ask before it says that it has the turn. A run that was cut asks whether it may go on.
      case APPROVAL_REQUESTED -> stay(RunStatus.STARTING, RunStatus.RUNNING, RunStatus.INTERRUPTED);
      // A question outlives its attempt, and the end of a run closes what is left of them.
      case APPROVAL_DECIDED -> stay(
          RunStatus.STARTING,
          RunStatus.RUNNING,
          RunStatus.ABORTING,
          RunStatus.INTERRUPTED,
          RunStatus.PARKED);
      case STOP_NOTED -> stay(RunStatus.STARTING, RunStatus.RUNNING, RunStatus.ABORTING);
      case ABORT_REQUESTED -> to(RunStatus.ABORTING, RunStatus.STARTING, RunStatus.RUNNING);
      case ABORTED -> to(
          RunStatus.ABORTED, RunStatus.QUEUED, RunStatus.ABORTING, RunStatus.INTERRUPTED, RunStatus.PARKED);
      case COMPLETED -> to(RunStatus.COMPLETED, RunStatus.RUNNING);
      case STEERED -> to(RunStatus.COMPLETED, RunStatus.QUEUED);
      case FAILED -> to(RunStatus.FAILED, RunStatus.QUEUED, RunStatus.STARTING, RunStatus.RUNNING);
      case GIVEN_UP -> to(
          RunStatus.FAILED,
          RunStatus.QUEUED,
          RunStatus.STARTING,
          RunStatus.RUNNING,
          RunStatus.INTERRUPTED,
          RunStatus.PARKED);
      case INTERRUPTED -> to(RunStatus.INTERRUPTED, RunStatus.STARTING, RunStatus.RUNNING);
      case PARKED -> to(RunStatus.PARKED, RunStatus.INTERRUPTED);
      case UNPARKED -> to(RunStatus.INTERRUPTED, RunStatus.PARKED);
    };
  }

  private static Map<RunStatus, RunStatus> to(RunStatus target, RunStatus... from) {
    var row = new EnumMap<RunStatus, RunStatus>(RunStatus.class);
    for (var status : from) {
      row.put(status, target);
    }
    return row;
  }

  private static Map<RunStatus, RunStatus> stay(RunStatus... statuses) {
    var row = new EnumMap<RunStatus, RunStatus>(RunStatus.class);
    for (var status : Set.of(statuses)) {
      row.put(status, status);
    }
    return row;
  }
}
