package demo;

public class Subject {
    static String run() {
        return "old";
    }

    private static String helper() {
        return "h";
    }
}
