// A connection to SQLite, and statements that take long.
#ifndef DCC_TESTS_DATABASE_HPP
#define DCC_TESTS_DATABASE_HPP

#include <functional>
#include <string>

#include <sqlite3.h>

#include "../cpp/expect.hpp"

class database {
public:
    explicit database(const std::string &file)
    {
        EXPECT(sqlite3_open(file.c_str(), &connection_) == SQLITE_OK);
        EXPECT(sqlite3_create_function(connection_, "seen", 1, SQLITE_UTF8, this, seen, nullptr,
                                       nullptr) == SQLITE_OK);
    }

    database(const database &) = delete;
    database &operator=(const database &) = delete;

    ~database() { EXPECT(sqlite3_close(connection_) == SQLITE_OK); }

    sqlite3 *get() const { return connection_; }

    int execute(const std::string &statements) const
    {
        return sqlite3_exec(connection_, statements.c_str(), nullptr, nullptr, nullptr);
    }

    // The only value that a statement returns.
    sqlite3_int64 number(const std::string &query) const
    {
        sqlite3_int64 value = -1;
        EXPECT(ask(query, [&](sqlite3_stmt *row) { value = sqlite3_column_int64(row, 0); }));
        return value;
    }

    bool is_sound() const
    {
        std::string answer;
        return ask("PRAGMA integrity_check", [&](sqlite3_stmt *row) {
                   answer = reinterpret_cast<const char *>(sqlite3_column_text(row, 0));
               }) && answer == "ok";
    }

    // Called by `seen(x)` in a statement, whose value is x.
    std::function<void()> on_seen;
    int count = 0;

private:
    bool ask(const std::string &query, const std::function<void(sqlite3_stmt *)> &take) const
    {
        sqlite3_stmt *statement = nullptr;
        EXPECT(sqlite3_prepare_v2(connection_, query.c_str(), -1, &statement, nullptr) == SQLITE_OK);
        const bool has_row = sqlite3_step(statement) == SQLITE_ROW;
        if (has_row)
            take(statement);
        return sqlite3_finalize(statement) == SQLITE_OK && has_row;
    }

    static void seen(sqlite3_context *context, int, sqlite3_value **values)
    {
        database &self = *static_cast<database *>(sqlite3_user_data(context));
        if (++self.count == 1000 && self.on_seen)
            self.on_seen();
        sqlite3_result_value(context, values[0]);
    }

    sqlite3 *connection_ = nullptr;
};

// The numbers from 1.
inline std::string up_to(int last)
{
    return "WITH RECURSIVE counted(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM counted WHERE x < " +
           std::to_string(last) + ") ";
}

#endif
