package demo;

public class Subject {
    static String run() {
        return helper();
    }

    private static String helper() {
        return "new";
    }
}
