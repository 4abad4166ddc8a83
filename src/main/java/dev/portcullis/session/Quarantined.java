package dev.portcullis.session;

/**
 * The answer to whatever is asked of a session whose history cannot be proved: nothing was done, and nothing
 * will be until an operator has repaired or restored it.
 *
 * @param reference of the operator's alert
 */
public record Quarantined(String reference)
    implements Receipt, ControlReply, DecisionReply, Session.ClearReply, Session.PositionReply {}
