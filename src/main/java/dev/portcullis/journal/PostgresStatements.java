package dev.portcullis.journal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Several statements that go to the server together and cost one round trip. */
final class PostgresStatements {

  private final List<String> statements = new ArrayList<>();
  private final List<Object> parameters = new ArrayList<>();

  /** One more; a parameter is a {@code byte[]}, a {@code Long}, or an array of those. */
  PostgresStatements add(String statement, Object... more) {
    statements.add(statement);
    parameters.addAll(List.of(more));
    return this;
  }

  PreparedStatement prepare(Connection connection) throws SQLException {
    var prepared = connection.prepareStatement(String.join(";\n", statements));
    int at = 0;
    for (var parameter : parameters) {
      at++;
      switch (parameter) {
        case byte[][] texts -> prepared.setArray(at, connection.createArrayOf("bytea", texts));
        case Long[] numbers -> prepared.setArray(at, connection.createArrayOf("int8", numbers));
        default -> prepared.setObject(at, parameter);
      }
    }
    return prepared;
  }
}
