package dev.portcullis.ingress.ws.methods;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.Addressing;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.InputFault;
import dev.portcullis.ingress.Operation;
import dev.portcullis.ingress.Problem;
import dev.portcullis.ingress.Problems;
import dev.portcullis.ingress.ws.Method;
import dev.portcullis.session.SessionKey;
import java.util.Optional;
import java.util.Set;

/** A call's parameters. Every object of the protocol is closed: what a method does not know, it refuses. */
record Params(Fields fields) {
  /** A method that takes these parameters and no others. */
  static Method method(String name, Operation operation, Set<String> known, Method.Handler handler) {
    return Method.of(name, operation, call -> {
      try {
        refuseUnknown(call.fields(), known);
        return handler.handle(call);
      } catch (InputFault fault) {
        throw InputFault.of(named(name, fault.problem()));
      }
    });
  }

  /** The same, told of nowhere. */
  static Method unadvertised(Method method) {
    return new Method(method.name(), method.operation(), false, method.handler());
  }

  private static void refuseUnknown(Fields fields, Set<String> known) {
    fields.object().fieldNames().forEachRemaining(field -> {
      if (!known.contains(field)) {
        throw Fields.fault(field, "is not a parameter of this method");
      }
    });
  }

  /** The words that clients know for parameters that are wrong. */
  private static Problem named(String method, Problem problem) {
    return problem.status() == 400
        ? Problems.badRequest(problem.param(), "invalid " + method + " params: " + problem.message())
        : problem;
  }

  /** The session that is meant, for reading: its agent may be one that is no longer configured. */
  static SessionKey key(Addressing addressing, String text, Optional<String> agent) {
    return text.startsWith("agent:") ? addressing.existing(text) : addressing.of(text, agent);
  }

  String text(String name, int most) {
    return checked(name, fields.text(name), most);
  }

  Optional<String> optionalText(String name) {
    return fields.optionalText(name).filter(text -> !text.isEmpty());
  }

  /** A whole number; {@code absent} when it is not given. */
  long whole(String name, long absent, long least, long most) {
    return fields.number(name)
        .map(number -> {
          if (!number.canConvertToExactIntegral() || number.asLong() < least || number.asLong() > most) {
            throw Fields.fault(name, "must be a whole number from " + least + " to " + most);
          }
          return number.asLong();
        })
        .orElse(absent);
  }

  /** Whether there is anything in it. */
  boolean given(String name) {
    JsonNode value = fields.object().path(name);
    return !value.isMissingNode() && !value.isNull() && !(value.isContainerNode() && value.isEmpty());
  }

  private static String checked(String name, String text, int most) {
    if (text.isEmpty() || text.length() > most) {
      throw Fields.fault(name, "must be 1 to " + most + " characters long");
    }
    return text;
  }
}
